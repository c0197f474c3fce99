"""What is known of the files of a folder: each is looked at once, not at every start.

The files of a split are read and decoded whole before a training, up to 16 GiB of them. Of larger
ones (ImageNet's training images take 140 GiB) only the two ends of each file are read: the header
must decode, the format's end marker must be there (else that file is decoded whole), and what
identifies the images is their names, sizes and ends. So a missing, empty, cut or exchanged file is
still named before the training; a byte that changed in the middle of a file is not seen. Statistics
decode 10 000 such images before the training, and a reader that meets a broken one names it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scaling_search.data.cache import Report, cache_folder, unwritable
from scaling_search.data.decode import BROKEN, Seen, broken, glance, look, threads
from scaling_search.errors import UserError
from scaling_search.files import write_atomically
from scaling_search.pixel_rules import PLAIN, PixelFormat, PixelRules

LAYOUT = "manifests-2"  # counted up when what is known of a file comes to mean something else
WHOLE_BYTES = 16 << 30  # read and decoded in a few minutes by eight threads
END_BYTES = 4096
MARKERS = (b"\xff\xd9", b"IEND\xaeB`\x82")  # the last bytes of a JPEG, of a PNG
TOGETHER = 1000

Look = Callable[[Path, int], tuple[str, Seen]]
"""From a file and its size in bytes to what tells it apart, and what was seen of the image."""


@dataclass(frozen=True)
class FileFacts:
    """A file as of its size and time of change: the hash of its bytes, and what it shows."""

    bytes: int
    changed_ns: int
    content: str
    width: int
    height: int
    format: PixelFormat = PLAIN


def inspect(
    folder: Path, names: Sequence[str], rules: PixelRules, report: Report
) -> list[FileFacts]:
    """The facts of these files, in order; only new and changed ones are read.

    Raises UserError that names the first file which is missing, can't be decoded, or holds values
    that the rules don't explain; what was read until then is remembered.
    """
    statuses = [_status(folder / name) for name in names]
    by_ends = sum(status.st_size for status in statuses) > WHOLE_BYTES
    path = cache_folder() / LAYOUT / f"{_key(folder)}{'-ends' if by_ends else ''}.json"
    known = _read(path)
    pairs = zip(names, statuses, strict=True)
    new = [(name, status) for name, status in pairs if not _unchanged(known.get(name), status)]
    look_at = functools.partial(_facts, folder, _ends if by_ends else _whole)
    try:
        for first in range(0, len(new), TOGETHER):
            some = new[first : first + TOGETHER]
            for (name, _), fact in zip(some, threads().map(look_at, some), strict=True):
                known[name] = fact
            report(f"checking images {first + len(some)}/{len(new)}")
    finally:
        if new:
            _write(path, known)
    found = [known[name] for name in names]
    for name, fact in zip(names, found, strict=True):
        if problem := rules.problem(fact.format):
            raise broken(folder / name, ValueError(problem))
    return found


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unchanged(known: FileFacts | None, status: os.stat_result) -> bool:
    seen = (status.st_size, status.st_mtime_ns)
    return known is not None and (known.bytes, known.changed_ns) == seen


def _facts(folder: Path, look_at: Look, file: tuple[str, os.stat_result]) -> FileFacts:
    name, status = file
    path = folder / name
    try:
        content, seen = look_at(path, status.st_size)
    except OSError as error:
        raise _unreadable(path, error) from error
    sides = seen.width, seen.height
    return FileFacts(status.st_size, status.st_mtime_ns, content, *sides, seen.format)


def _whole(path: Path, _bytes: int) -> tuple[str, Seen]:
    """Hash of a file that is read to its end and decodes, and what it shows."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:32], _decoded(path, content)


def _ends(path: Path, size: int) -> tuple[str, Seen]:
    """Hash of the file's size and its two ends, and what it shows."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        tail = file.read(END_BYTES)
    digest = hashlib.sha256(b"%d " % size + head + tail).hexdigest()[:32]
    seen = None
    if tail.endswith(MARKERS):
        try:
            seen = glance(path, tail)
        except BROKEN as error:
            raise broken(path, error) from error
    return digest, seen or _decoded(path, path.read_bytes())


def _decoded(path: Path, content: bytes) -> Seen:
    try:
        return look(content)
    except BROKEN as error:
        raise broken(path, error) from error


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} must be readable, got {error.strerror}: restore it")


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, FileFacts]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: _fact(*row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # absent or damaged: made anew
        return {}


def _fact(
    bytes: int,
    changed_ns: int,
    content: str,
    width: int,
    height: int,
    unusual: Mapping[str, Any] | None = None,
) -> FileFacts:
    format = PixelFormat(**unusual) if unusual else PLAIN
    return FileFacts(bytes, changed_ns, content, width, height, format)


def _row(fact: FileFacts) -> list[Any]:
    """A fact as plain values; of plain pixels, a million of which there may be, nothing is said."""
    row = [fact.bytes, fact.changed_ns, fact.content, fact.width, fact.height]
    return row if fact.format == PLAIN else [*row, asdict(fact.format)]


def _write(path: Path, facts: dict[str, FileFacts]) -> None:
    rows = {name: _row(fact) for name, fact in facts.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [json.dumps(rows).encode()])
    except OSError as error:
        raise unwritable(error) from error
