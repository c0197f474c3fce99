"""Files from users: TOML into validated values; a mistake is one line that names its place."""

from __future__ import annotations

import codecs
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from scaling_search.core.errors import UserError

Value = TypeVar("Value")
Location = tuple[int | str, ...]
KnownKeys = Callable[[Location], str]
"""The keys that a table may have, for the message about one that it may not."""

LARGEST_INTEGER = 2**32 - 1
"""No number of a user's file is larger: sums and products of any two of them are harmless."""
DEEPEST = 20
"""Tables and arrays within each other."""
LONGEST_VALUE = 300
"""Characters of what a message quotes of a file."""

_ESCAPE = re.compile("Invalid hex value|Unescaped")  # what tomllib says of a Windows path
_HEADER = re.compile(r"^\s*\[(\[?)([^\[\]]+)\]?\]\s*(#.*)?$")
_KEY = re.compile(r"^\s*[\"']?([\w-]+)[\"']?\s*=")


def read_text(path: Path, content: str) -> str:
    """The text of a user's file; raises UserError when it can't be read."""
    try:
        return decoded(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text: save it as UTF-8"
        raise UserError(f"a {content} file must be readable, got {str(path)!r}: {reason}") from None


def decoded(content: bytes) -> str:
    """Text of UTF-8, or of what its byte-order mark says: Windows' editors write UTF-16 too.

    Raises UnicodeDecodeError.

    Examples:
        >>> from scaling_search.core.toml_config import decoded
        >>> decoded("γ = 1.15".encode("utf-16"))
        'γ = 1.15'
    """
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if marked else "utf-8-sig")


def parsed(text: str, source: str) -> dict[str, Any]:
    """The values of a TOML text; raises UserError naming `source` and the line.

    So it does for tables within tables without end, and for numbers that no study can mean.

    Examples:
        >>> from scaling_search.core.toml_config import parsed
        >>> parsed("budget = { growth = 2.0, tolerance = 0.05 }", "study.toml")
        {'budget': {'growth': 2.0, 'tolerance': 0.05}}
    """
    try:
        values = tomllib.loads(text)
        numbers = list(_numbers(values))
    except RecursionError:
        rule = f"{source} must be valid TOML of at most {DEEPEST} levels"
        raise UserError(f"{rule}, got more") from None
    except ValueError as error:  # TOMLDecodeError, or a number of too many digits
        message = shortened(str(error))
        if _ESCAPE.search(message):
            message += r"; within double quotes a \ begins an escape: write / or 'single quotes'"
        raise UserError(f"{source} must be valid TOML: {message}") from None
    for key, number in numbers:
        if LARGEST_INTEGER < abs(number) < math.inf:
            raise UserError(
                f"{source}: {key}: a number must lie within ±{LARGEST_INTEGER}, got {number}"
            )
    return values


def validated(
    adapter: TypeAdapter[Value], values: object, text: str, source: str, known_keys: KnownKeys
) -> Value:
    """The values as the adapter's type; raises UserError naming source, line, key and rule."""
    try:
        validated_value = adapter.validate_python(values)
    except ValidationError as error:
        problem = error.errors()[0]
        position = _position(text, problem["loc"], source)
        raise UserError(f"{position}: {_problem_text(problem, known_keys)}") from None
    for location in _booleans_as_numbers(values, validated_value):
        key = ".".join(map(str, location))
        position = _position(text, location, source)
        raise UserError(
            f"{position}: {key}: a number is neither true nor false: write it in digits"
        )
    return validated_value


def shortened(text: str) -> str:
    """The text, its middle left out where it is too long for a line.

    Examples:
        >>> from scaling_search.core.toml_config import shortened
        >>> len(shortened("9" * 10_000))
        303
    """
    half = LONGEST_VALUE // 2
    return text if len(text) <= LONGEST_VALUE else f"{text[:half]} … {text[-half:]}"


def _position(text: str, location: Location, source: str) -> str:
    line = line_number(text, location)
    return f"{source}, line {line}" if line else source


def _booleans_as_numbers(
    values: object, validated_values: object, location: Location = ()
) -> Iterator[Location]:
    """Where the file has true or false and the value made of it is a number."""
    if isinstance(values, dict):
        for name, value in values.items():
            made = getattr(validated_values, str(name), None)
            yield from _booleans_as_numbers(value, made, (*location, name))
    elif isinstance(values, list) and isinstance(validated_values, tuple):
        for index, pair in enumerate(zip(values, validated_values, strict=False)):
            yield from _booleans_as_numbers(*pair, (*location, index))
    elif isinstance(values, bool) and type(validated_values) in (int, float):
        yield location


def _numbers(values: object, key: str = "", level: int = 0) -> Iterator[tuple[str, int | float]]:
    """Every number below these values, and the key that it stands under."""
    if level > DEEPEST:
        raise RecursionError
    if isinstance(values, dict):
        for name, value in values.items():
            yield from _numbers(value, shortened(repr(name)), level + 1)
    elif isinstance(values, list):
        for value in values:
            yield from _numbers(value, key, level + 1)
    elif isinstance(values, int | float):
        yield key, values


def line_number(text: str, location: Location) -> int | None:
    """The line (from 1) on which the value at a location stands, or its table; None if nowhere.

    Examples:
        >>> from scaling_search.core.toml_config import line_number
        >>> line_number('''name = "mine"
        ... [budget]
        ... growth = 1.0''', ("budget", "growth"))
        3
    """
    best, depth = None, 0
    for number, path in _key_lines(text):
        common = _common_length(path, location)
        if common == len(path) and common > depth:
            best, depth = number, common
    return best


def _key_lines(text: str) -> Iterator[tuple[int, Location]]:
    """Each line that opens a table or sets a key, with the path of what it opens or sets."""
    table: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = tuple(part.strip().strip("\"'") for part in header[2].split("."))
            if header[1]:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, key[1])


def _common_length(path: Location, location: Location) -> int:
    pairs = zip(path, location, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(path), len(location)))


def _problem_text(problem: ErrorDetails, known_keys: KnownKeys) -> str:
    location = problem["loc"]
    key = ".".join(str(part) for part in location)
    if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown key {shortened(repr(key))}: known are {known_keys(location[:-1])}"
    if problem["type"] == "missing":
        return f"the key {key!r} is required: add it"
    cause = problem.get("ctx", {}).get("error")
    message = problem["msg"]
    got = shortened(repr(problem["input"]))
    rule = shortened(str(cause)) if cause else f"{message[0].lower()}{message[1:]}, got {got}"
    return f"{key}: {rule}" if key else rule
