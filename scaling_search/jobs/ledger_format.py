"""The lines of a ledger: how one is written, and what each line of a file is.

A line is `{"crc32": …, "hash": …, "record": {…}}`; the checksum covers the text that follows it, so
that a line is found damaged without being parsed.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(rb'\{"crc32": "([0-9a-f]{8})", ("hash": "([0-9a-f]{16})", "record": (.*))\}\n')


@dataclass(frozen=True)
class Record:
    """A line whose checksum is right; `begin` is the record's place in the file, in bytes."""

    number: int
    key: str
    record: bytes
    begin: int


@dataclass(frozen=True)
class CorruptLine:
    """A line that is none of ours, or is damaged."""

    number: int


@dataclass(frozen=True)
class TruncatedLine:
    """A last line without its end; whole lines reach up to `begin`, in bytes."""

    begin: int


Line = Record | CorruptLine | TruncatedLine


def ledger_line(key: str, record: bytes) -> bytes:
    """The line, its end included, for the record (JSON without line breaks) under this hash."""
    covered = b'"hash": "%s", "record": %s' % (key.encode(), record)
    return b'{"crc32": "%08x", %s}\n' % (zlib.crc32(covered), covered)


def read_lines(path: Path) -> Iterator[Line]:
    """What each line of the file is, in order, numbered from 1; raises OSError."""
    begin = 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            yield _line(number, begin, text) if text.endswith(b"\n") else TruncatedLine(begin)
            begin += len(text)


def _line(number: int, begin: int, text: bytes) -> Record | CorruptLine:
    match = _LINE.fullmatch(text)
    if match is None:
        return CorruptLine(number)
    crc, covered, key, record = match.groups()
    if int(crc, 16) != zlib.crc32(covered):
        return CorruptLine(number)
    return Record(number, key.decode(), record, begin + match.start(4))
