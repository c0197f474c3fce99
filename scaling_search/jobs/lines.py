"""The lines of a ledger: how one is written, and what each line of a file is.

A line is `{"crc32": …, "hash": …, "record": {…}}`; the checksum covers the text that follows it, so
that a line is found damaged without being parsed. Lines of the first form, `{"hash": …, "crc32":
…, "record": {…}}`, whose checksum covers the record alone, stay valid.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(rb'\{"crc32": "([0-9a-f]{8})", ("hash": "([0-9a-f]{16})", "record": (.*))\}\n')
_FIRST_FORM = re.compile(
    rb'\{"hash": "([0-9a-f]{16})", "crc32": "([0-9a-f]{8})", "record": (.*)\}\n'
)


@dataclass(frozen=True)
class Whole:
    """A line whose checksum is right; `begin` is the record's place in the file, in bytes.

    A line of the first form says nothing of a damaged hash (`hash_covered`).
    """

    number: int
    key: str
    record: bytes
    begin: int
    hash_covered: bool


@dataclass(frozen=True)
class Garbled:
    """A line that is none of ours, or is damaged."""

    number: int


@dataclass(frozen=True)
class Torn:
    """A last line without its end; whole lines reach up to `begin`, in bytes."""

    begin: int


Line = Whole | Garbled | Torn


def line_of(key: str, record: bytes) -> bytes:
    """The line, its end included, for the record (JSON without line breaks) under this hash."""
    covered = b'"hash": "%s", "record": %s' % (key.encode(), record)
    return b'{"crc32": "%08x", %s}\n' % (zlib.crc32(covered), covered)


def read_lines(path: Path) -> Iterator[Line]:
    """What each line of the file is, in order, numbered from 1; raises OSError."""
    begin = 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            yield _line(number, begin, text) if text.endswith(b"\n") else Torn(begin)
            begin += len(text)


def _line(number: int, begin: int, text: bytes) -> Whole | Garbled:
    if match := _LINE.fullmatch(text):
        crc, covered, key, record = match.groups()
        at, hash_covered = match.start(4), True
    elif match := _FIRST_FORM.fullmatch(text):
        key, crc, record = match.groups()
        covered, at, hash_covered = record, match.start(3), False
    else:
        return Garbled(number)
    if int(crc, 16) != zlib.crc32(covered):
        return Garbled(number)
    return Whole(number, key.decode(), record, begin + at, hash_covered)
