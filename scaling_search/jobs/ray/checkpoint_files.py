"""Checkpoints on their way between machines that share no directory.

A parcel is the file of a checkpoint as it lies on the disk. The digest in its name is checked by
whoever reads the checkpoint, so one that was spoilt on the way is not used.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from scaling_search.core.atomic_files import write_atomically
from scaling_search.training.checkpoint import FILE_PATTERN, KEPT_CHECKPOINTS
from scaling_search.training.loop import CheckpointPolicy

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint's file: the folder that it belongs to, its name, its bytes."""

    folder: Literal["plateau", "fall"]
    name: str
    content: bytes


def packed(keeping: CheckpointPolicy) -> list[CheckpointFile]:
    """What a training would go on from: the newest of its fall, or else of its plateau."""
    return list(_unseen(keeping.fall, "fall", set())) or list(
        _unseen(keeping.plateau, "plateau", set())
    )


def new_parcels(keeping: CheckpointPolicy, seen: set[str]) -> Iterator[CheckpointFile]:
    """The checkpoints that were written since the last call; `seen` takes their names."""
    yield from _unseen(keeping.plateau, "plateau", seen)
    yield from _unseen(keeping.fall, "fall", seen)


def put_down(parcel: CheckpointFile, keeping: CheckpointPolicy) -> None:
    """Write the checkpoint where it belongs, and keep the newest of that folder.

    Raises ValueError for a name that no checkpoint has.
    """
    if not fnmatchcase(parcel.name, FILE_PATTERN) or Path(parcel.name).name != parcel.name:
        raise ValueError(f"a checkpoint is named by its step and its digest, got {parcel.name!r}")
    folder = keeping.fall if parcel.folder == "fall" else keeping.plateau
    try:
        write_atomically(folder / parcel.name, parcel.content)
    except OSError as error:
        # As in the training itself: a full disk costs the checkpoint and not the training.
        _log.warning("checkpoint %s was not kept: %s", parcel.name, error.strerror)
    for old in _newest_first(folder)[KEPT_CHECKPOINTS:]:
        old.unlink(missing_ok=True)


def _unseen(
    folder: Path, kind: Literal["plateau", "fall"], seen: set[str]
) -> Iterator[CheckpointFile]:
    for path in _newest_first(folder)[:KEPT_CHECKPOINTS]:
        if path.name not in seen:
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # dropped for a newer one just now
                continue
            seen.add(path.name)
            yield CheckpointFile(kind, path.name, content)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(FILE_PATTERN), reverse=True)
