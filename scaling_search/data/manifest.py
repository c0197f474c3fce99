"""What is known of the files of a folder: each is hashed and decoded once, not at every start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaling_search.data.cache import Report, cache_folder, unwritable
from scaling_search.data.decode import size_of, threads
from scaling_search.errors import UserError
from scaling_search.files import write_atomically

REPORT_EVERY = 1000


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

    Raises UserError that names the first file which is missing or can't be decoded.
    """
    path = cache_folder() / "manifests" / f"{_key(folder)}.json"
    known = _read(path)
    new = [name for name in names if not _unchanged(folder / name, known.get(name))]
    for done, fact in enumerate(threads().map(lambda name: _facts(folder / name), new), start=1):
        known[new[done - 1]] = fact
        if done % REPORT_EVERY == 0:
            report(f"checking images {done}/{len(new)}")
    if new:
        _write(path, known)
    return [known[name] for name in names]


def _unchanged(path: Path, known: FileFacts | None) -> bool:
    if known is None:
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    return (known.bytes, known.changed_ns) == (status.st_size, status.st_mtime_ns)


def _facts(path: Path) -> FileFacts:
    try:
        status, content = path.stat(), path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} must be readable, got {error.strerror}: restore it") from error
    digest = hashlib.sha256(content).hexdigest()[:32]
    return FileFacts(status.st_size, status.st_mtime_ns, digest, *size_of(path, content))


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
