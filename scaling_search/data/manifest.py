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
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.pixel_rules import PLAIN, PixelFormat, PixelRules
from scaling_search.data.cache import Notify, cache_folder, unwritable
from scaling_search.data.decode import (
    BROKEN,
    Seen,
    broken,
    inspect_ends,
    inspect_image,
    threads,
    undecodable,
)
from scaling_search.data.sources.base import Unusable, UnusableFilesError

MANIFEST_VERSION = (
    "manifests-2"  # counted up when what is known of a file comes to mean something else
)
WHOLE_BYTES = 16 << 30  # read and decoded in a few minutes by eight threads
END_BYTES = 4096
MARKERS = (b"\xff\xd9", b"IEND\xaeB`\x82")  # the last bytes of a JPEG, of a PNG
TOGETHER = 1000

Inspect = Callable[[Path, int], tuple[str, Seen] | Unusable]
"""From a file and its size in bytes to what tells it apart, and what was seen of the image."""


FileStamp = tuple[int, int, int, int]
"""Size in bytes, times of change of content and of status in ns, and inode."""


@dataclass(frozen=True)
class FileFacts:
    """A file as of a state: the hash of its bytes, and what it shows."""

    state: FileStamp
    content: str
    width: int
    height: int
    format: PixelFormat = PLAIN


def inspect(
    folder: Path, names: Sequence[str], rules: PixelRules, report: Notify
) -> list[FileFacts]:
    """The facts of these files, in order; only new and changed ones are read.

    Raises UnusableFilesError that names all files which are missing, can't be decoded, or hold
    values that the rules don't explain; what is known of the others is remembered.
    """
    looked_up = [_status(folder / name) for name in names]
    statuses = [status for status in looked_up if not isinstance(status, Unusable)]
    unusable = [status for status in looked_up if isinstance(status, Unusable)]
    by_ends = sum(status.st_size for status in statuses) > WHOLE_BYTES
    path = cache_folder() / MANIFEST_VERSION / f"{_key(folder)}{'-ends' if by_ends else ''}.json"
    known = _read(path)
    new = [
        (name, status)
        for name, status in zip(names, looked_up, strict=True)
        if not isinstance(status, Unusable) and not _unchanged(known.get(name), status)
    ]
    look_at = functools.partial(_facts, folder, _ends if by_ends else _whole)
    try:
        for first in range(0, len(new), TOGETHER):
            some = new[first : first + TOGETHER]
            for (name, _), fact in zip(some, threads().map(look_at, some), strict=True):
                if isinstance(fact, Unusable):
                    unusable.append(fact)
                else:
                    known[name] = fact
            if len(new) > TOGETHER:
                report(f"checking images {first + len(some)}/{len(new)}")
    finally:
        if new:
            _write(path, known)
    found = [(name, known[name]) for name in names if name in known]
    problems = [(name, rules.problem(fact.format)) for name, fact in found]
    unusable += [broken(folder / name, problem) for name, problem in problems if problem]
    if unusable:
        raise UnusableFilesError(sorted(unusable, key=lambda one: one.path))
    return [fact for _, fact in found]


def _status(path: Path) -> os.stat_result | Unusable:
    try:
        status = path.stat()
    except OSError as error:
        return _unreadable(path, error)
    plain = stat.S_ISREG(status.st_mode)  # a pipe would be waited for
    return status if plain else broken(path, "no plain file")


def _unchanged(known: FileFacts | None, status: os.stat_result) -> bool:
    return known is not None and known.state == _state(status)


def _state(status: os.stat_result) -> FileStamp:
    """What a change of the file changes; a tool that sets the time back can't set all of it."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _facts(
    folder: Path, look_at: Inspect, file: tuple[str, os.stat_result]
) -> FileFacts | Unusable:
    name, status = file
    path = folder / name
    try:
        found = look_at(path, status.st_size)
    except OSError as error:
        return _unreadable(path, error)
    if isinstance(found, Unusable):
        return found
    content, seen = found
    sides = seen.width, seen.height
    return FileFacts(_state(status), content, *sides, seen.format)


def _whole(path: Path, _bytes: int) -> tuple[str, Seen] | Unusable:
    """Hash of a file that is read to its end and decodes, and what it shows."""
    content = path.read_bytes()
    return _told(path, content, lambda: inspect_image(content))


def _ends(path: Path, size: int) -> tuple[str, Seen] | Unusable:
    """Hash of the file's size and its two ends, and what it shows."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        tail = file.read(END_BYTES)

    def seen() -> Seen:
        told = inspect_ends(path, tail) if tail.endswith(MARKERS) else None
        return told or inspect_image(path.read_bytes())

    return _told(path, b"%d " % size + head + tail, seen)


def _told(path: Path, identity: bytes, see: Callable[[], Seen]) -> tuple[str, Seen] | Unusable:
    try:
        seen = see()
    except BROKEN as error:
        return undecodable(path, error)
    return hashlib.sha256(identity).hexdigest()[:32], seen


def _unreadable(path: Path, error: OSError) -> Unusable:
    return Unusable(path, "readable", str(error.strerror), "restore it")


def _key(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def _read(path: Path) -> dict[str, FileFacts]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: _fact(*row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # absent or damaged: made anew
        return {}


def _fact(
    state: Sequence[int],
    content: str,
    width: int,
    height: int,
    unusual: Mapping[str, Any] | None = None,
) -> FileFacts:
    format = PixelFormat(**unusual) if unusual else PLAIN
    size, changed_ns, status_changed_ns, inode = state
    return FileFacts((size, changed_ns, status_changed_ns, inode), content, width, height, format)


def _row(fact: FileFacts) -> list[Any]:
    """A fact as plain values; of plain pixels, a million of which there may be, nothing is said."""
    row: list[Any] = [fact.state, fact.content, fact.width, fact.height]
    return row if fact.format == PLAIN else [*row, asdict(fact.format)]


def _write(path: Path, facts: dict[str, FileFacts]) -> None:
    rows = {name: _row(fact) for name, fact in facts.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [json.dumps(rows).encode()])
    except OSError as error:
        raise unwritable(error) from error
