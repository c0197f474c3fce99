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
    ImageFacts,
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
FILES_AT_ONCE = 1000

Inspect = Callable[[Path, int], tuple[str, ImageFacts] | Unusable]
"""From a file and its size in bytes to what tells it apart, and what was seen of the image."""

NamedStatus = tuple[str, os.stat_result]
"""A file's path within its folder, and what the system says of it."""

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
    facts = _read(path)
    new = [
        (name, status)
        for name, status in zip(names, looked_up, strict=True)
        if not isinstance(status, Unusable) and not _unchanged(facts.get(name), status)
    ]
    look_at = functools.partial(_facts, folder, _inspect_ends if by_ends else _inspect_whole)
    if new:
        try:
            unusable += _add_new(facts, new, look_at, report)
        finally:
            _write(path, facts)
    current = [(name, facts[name]) for name in names if name in facts]
    problems = [(name, rules.problem(fact.format)) for name, fact in current]
    unusable += [broken(folder / name, problem) for name, problem in problems if problem]
    if unusable:
        raise UnusableFilesError(sorted(unusable, key=lambda file: file.path))
    return [fact for _, fact in current]


def _add_new(
    facts: dict[str, FileFacts],
    files: Sequence[NamedStatus],
    look_at: Callable[[NamedStatus], FileFacts | Unusable],
    report: Notify,
) -> list[Unusable]:
    """Add the facts of files that are looked at now; those that can't be used come back."""
    unusable: list[Unusable] = []
    for first in range(0, len(files), FILES_AT_ONCE):
        batch = files[first : first + FILES_AT_ONCE]
        for (name, _), fact in zip(batch, threads().map(look_at, batch), strict=True):
            if isinstance(fact, Unusable):
                unusable.append(fact)
            else:
                facts[name] = fact
        if len(files) > FILES_AT_ONCE:
            report(f"checking images {first + len(batch)}/{len(files)}")
    return unusable


def _status(path: Path) -> os.stat_result | Unusable:
    try:
        status = path.stat()
    except OSError as error:
        return _unreadable(path, error)
    plain = stat.S_ISREG(status.st_mode)  # a pipe would be waited for
    return status if plain else broken(path, "no plain file")


def _unchanged(fact: FileFacts | None, status: os.stat_result) -> bool:
    return fact is not None and fact.state == _state(status)


def _state(status: os.stat_result) -> FileStamp:
    """What a change of the file changes; a tool that sets the time back can't set all of it."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _facts(folder: Path, look_at: Inspect, file: NamedStatus) -> FileFacts | Unusable:
    name, status = file
    path = folder / name
    try:
        inspected = look_at(path, status.st_size)
    except OSError as error:
        return _unreadable(path, error)
    if isinstance(inspected, Unusable):
        return inspected
    content, image = inspected
    sides = image.width, image.height
    return FileFacts(_state(status), content, *sides, image.format)


def _inspect_whole(path: Path, _bytes: int) -> tuple[str, ImageFacts] | Unusable:
    """Hash of a file that is read to its end and decodes, and what it shows."""
    content = path.read_bytes()
    return _identified(path, content, lambda: inspect_image(content))


def _inspect_ends(path: Path, size: int) -> tuple[str, ImageFacts] | Unusable:
    """Hash of the file's size and its two ends, and what it shows."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        tail = file.read(END_BYTES)

    def seen() -> ImageFacts:
        told = inspect_ends(path, tail) if tail.endswith(MARKERS) else None
        return told or inspect_image(path.read_bytes())

    return _identified(path, b"%d " % size + head + tail, seen)


def _identified(
    path: Path, identity: bytes, inspect: Callable[[], ImageFacts]
) -> tuple[str, ImageFacts] | Unusable:
    try:
        image = inspect()
    except BROKEN as error:
        return undecodable(path, error)
    return hashlib.sha256(identity).hexdigest()[:32], image


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
