"""The lines of a ledger: how one is written, and what each line of a file is.

A line is `{"crc32": …, "hash": …, "record": {…}}`; the checksum covers the text that follows it, so
that a line is found damaged without being parsed. What an editor may do to a file whose text it
leaves as it is does no harm: a byte-order mark of UTF-8, Windows' line ends, an empty line, a last
line without its end.
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scaling_search.core.errors import UserError

_BEGIN = b'{"crc32": "'
_LINE = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb'\{"crc32": "([0-9a-f]{8})", ("hash": "([0-9a-f]{16})", "record": (.*))\}\r?(\n?)'
)


@dataclass(frozen=True)
class Record:
    """A line whose checksum is right; `begin` is the record's place in the file, in bytes.

    `ended`: whether the line has its end, which a last one may have lost.
    """

    number: int
    key: str
    record: bytes
    begin: int
    ended: bool = True


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
    """The line, its end included, for the record (JSON without line breaks) under this hash.

    Examples:
        >>> from scaling_search.jobs.ledger_format import ledger_line
        >>> ledger_line("59dbb0bd9214ea7d", b'{"kind": "training"}')[:25]
        b'{"crc32": "db60341c", "ha'
    """
    covered = b'"hash": "%s", "record": %s' % (key.encode(), record)
    return b'{"crc32": "%08x", %s}\n' % (zlib.crc32(covered), covered)


def read_lines(path: Path) -> Iterator[Line]:
    """What each line of the file is, in order, numbered from 1; raises OSError.

    Raises UserError for UTF-16, or results without line ends, of which no line can be told from the
    next, and for what is no plain file.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from scaling_search.jobs.ledger_format import ledger_line, read_lines
        >>> path = Path(tempfile.mkdtemp(), "ledger.jsonl")
        >>> written = path.write_bytes(ledger_line("59dbb0bd9214ea7d", b"{}") + b'{"crc32": "')
        >>> [type(line).__name__ for line in read_lines(path)]
        ['Record', 'TruncatedLine']
    """
    begin = 0
    require_plain(path)
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if begin == 0 and text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise UserError(
                    f"a ledger must be UTF-8 text, got UTF-16 in {str(path)!r}: save it as UTF-8"
                )
            if not text.endswith(b"\n") and text.count(_BEGIN) > 1:
                raise UserError(
                    f"a ledger must have a line for each result, got {text.count(_BEGIN)} in line "
                    f"{number} of {str(path)!r}: save it with line ends of Unix or Windows"
                )
            if text.strip():
                yield _line(number, begin, text)
            begin += len(text)


def require_plain(path: Path) -> None:
    """Raise UserError for a ledger that is a folder, or a pipe that would be waited for."""
    if path.exists() and not path.is_file():
        raise UserError(f"a ledger must be a plain file, got {str(path)!r}: choose another --out")


def _line(number: int, begin: int, text: bytes) -> Line:
    match = _LINE.fullmatch(text)
    if match is None or int(match[1], 16) != zlib.crc32(match[2]):
        return CorruptLine(number) if text.endswith(b"\n") else TruncatedLine(begin)
    return Record(number, match[3].decode(), match[4], begin + match.start(4), bool(match[5]))
