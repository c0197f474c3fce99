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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling_search.data.cache import Report, cache_folder, unwritable
from scaling_search.data.decode import size_of, size_told, threads
from scaling_search.errors import UserError
from scaling_search.files import write_atomically

WHOLE_BYTES = 16 << 30  # read and decoded in a few minutes by eight threads
END_BYTES = 4096
MARKERS = (b"\xff\xd9", b"IEND\xaeB`\x82")  # the last bytes of a JPEG, of a PNG
TOGETHER = 1000

Look = Callable[[Path, int], tuple[str, int, int]]
"""From a file and its size in bytes to what tells it apart, its width and its height."""


@dataclass(frozen=True)
class FileFacts:
    """A file as of its size and time of change: the hash of its bytes, and the image's sides."""

    bytes: int
    changed_ns: int
    content: str
    width: int
    height: int


def inspect(folder: Path, names: Sequence[str], report: Report) -> list[FileFacts]:
    """The facts of these files, in order; only new and changed ones are read.

    Raises UserError that names the first file which is missing or can't be decoded; what was read
    until then is remembered.
    """
    statuses = [_status(folder / name) for name in names]
    by_ends = sum(status.st_size for status in statuses) > WHOLE_BYTES
    path = cache_folder() / "manifests" / f"{_key(folder)}{'-ends' if by_ends else ''}.json"
    known = _read(path)
    pairs = zip(names, statuses, strict=True)
    new = [(name, status) for name, status in pairs if not _unchanged(known.get(name), status)]
    look = functools.partial(_facts, folder, _ends if by_ends else _whole)
    try:
        for first in range(0, len(new), TOGETHER):
            some = new[first : first + TOGETHER]
            for (name, _), fact in zip(some, threads().map(look, some), strict=True):
                known[name] = fact
            report(f"checking images {first + len(some)}/{len(new)}")
    finally:
        if new:
            _write(path, known)
    return [known[name] for name in names]


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unchanged(known: FileFacts | None, status: os.stat_result) -> bool:
    seen = (status.st_size, status.st_mtime_ns)
    return known is not None and (known.bytes, known.changed_ns) == seen


def _facts(folder: Path, look: Look, file: tuple[str, os.stat_result]) -> FileFacts:
    name, status = file
    path = folder / name
    try:
        return FileFacts(status.st_size, status.st_mtime_ns, *look(path, status.st_size))
    except OSError as error:
        raise _unreadable(path, error) from error


def _whole(path: Path, _bytes: int) -> tuple[str, int, int]:
    """Hash, width and height of a file that is read to its end and decodes."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()[:32], *size_of(path, content)


def _ends(path: Path, size: int) -> tuple[str, int, int]:
    """Hash of the file's size and its two ends, width and height."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        tail = file.read(END_BYTES)
    digest = hashlib.sha256(b"%d " % size + head + tail).hexdigest()[:32]
    if tail.endswith(MARKERS):
        return digest, *size_told(path)
    return digest, *size_of(path, path.read_bytes())


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} must be readable, got {error.strerror}: restore it")


def _key(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def _read(path: Path) -> dict[str, FileFacts]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {name: FileFacts(*row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # absent or damaged: made anew
        return {}


def _write(path: Path, facts: dict[str, FileFacts]) -> None:
    rows = {
        name: (fact.bytes, fact.changed_ns, fact.content, fact.width, fact.height)
        for name, fact in facts.items()
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, [json.dumps(rows).encode()])
    except OSError as error:
        raise unwritable(error) from error
