"""What is known of one file: how it is told apart, and what it shows."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaling_search.core.pixel_rules import PLAIN, PixelFormat
from scaling_search.data.decode import (
    BROKEN,
    ImageFacts,
    broken,
    inspect_ends,
    inspect_image,
    undecodable,
)
from scaling_search.data.sources.base import Unusable

END_BYTES = 4096

MARKERS = (b"\xff\xd9", b"IEND\xaeB`\x82")  # the last bytes of a JPEG, of a PNG

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


def status_of(path: Path) -> os.stat_result | Unusable:
    """What the system says of a plain file that can be read."""
    try:
        status = path.stat()
    except OSError as error:
        return _unreadable(path, error)
    plain = stat.S_ISREG(status.st_mode)  # a pipe would be waited for
    return status if plain else broken(path, "no plain file")


def is_unchanged(fact: FileFacts | None, status: os.stat_result) -> bool:
    """Whether what is known of a file is of its present state."""
    return fact is not None and fact.state == stamp_of(status)


def stamp_of(status: os.stat_result) -> FileStamp:
    """What a change of the file changes; a tool that sets the time back can't set all of it."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def facts_of(folder: Path, look_at: Inspect, file: NamedStatus) -> FileFacts | Unusable:
    """The facts of a file, looked at now; why it can\'t be used, where it can\'t."""
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
    return FileFacts(stamp_of(status), content, *sides, image.format)


def inspect_whole(path: Path, _bytes: int) -> tuple[str, ImageFacts] | Unusable:
    """Hash of a file that is read to its end and decodes, and what it shows."""
    content = path.read_bytes()
    return _identified(path, content, lambda: inspect_image(content))


def inspect_both_ends(path: Path, size: int) -> tuple[str, ImageFacts] | Unusable:
    """Hash of the file's size and its two ends, and what it shows."""
    with path.open("rb") as file:
        head = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        tail = file.read(END_BYTES)

    def inspect() -> ImageFacts:
        by_ends = inspect_ends(path, tail) if tail.endswith(MARKERS) else None
        return by_ends or inspect_image(path.read_bytes())

    return _identified(path, b"%d " % size + head + tail, inspect)


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
