"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

Chunk = bytes | memoryview

NO_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
"""What file systems say that flush no folders."""


def write_atomically(path: Path, content: str | bytes | Iterable[Chunk]) -> Path:
    """Write beside, flush, rename, flush the folder; a crash leaves the old file or the new.

    Makes the folder. Raises OSError when the disk is full; what was there is untouched then.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.core.atomic_files import write_atomically
        >>> write_atomically(Path("runs/any/note.txt"), "B0 has 390 million MACs").read_text()
        'B0 has 390 million MACs'
    """
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("wb") as file:
            for chunk in _chunks(content):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)
    return path


def make_folder(folder: Path) -> None:
    """Make the folder and those above it; a crash does not take a new one away again."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for folder_made in reversed(missing):
        flush_folder(folder_made.parent)


def flush_folder(folder: Path) -> None:
    """Flush to disk which files and folders there are in it, where its file system can.

    Old CIFS and some of FUSE say EINVAL or the like for a folder: there a power cut may take back
    the newest name, and all else goes on as it does elsewhere. Raises OSError for other faults.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # it may be written and not read: its files could be made
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FLUSH:
            raise
    finally:
        os.close(descriptor)


def as_json(values: object) -> bytes:
    """Values as JSON for people and machines alike: indented, with a newline at the end.

    Examples:
        >>> from scaling_search.core.atomic_files import as_json
        >>> print(as_json({"network": "φ=1", "macs": 390}).decode(), end="")
        {
          "network": "φ=1",
          "macs": 390
        }
    """
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def _chunks(content: str | bytes | Iterable[Chunk]) -> Iterable[Chunk]:
    if isinstance(content, str):
        return (content.encode(),)
    return (content,) if isinstance(content, bytes) else content
