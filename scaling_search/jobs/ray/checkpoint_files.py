"""Checkpoints on their way between machines that share no directory.

They are sent as the files that lie on the disk. The digest in a file's name is checked by whoever
reads it, so one that was spoilt on the way is not used.
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
from scaling_search.training.checkpoint_saver import CheckpointPolicy

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint's file: the folder that it belongs to, its name, its bytes."""

    folder: Literal["plateau", "fall"]
    name: str
    content: bytes


def files_to_resume(policy: CheckpointPolicy) -> list[CheckpointFile]:
    """What a training would go on from: the newest of its fall, or else of its plateau."""
    return list(_unsent(policy.fall, "fall", set())) or list(
        _unsent(policy.plateau, "plateau", set())
    )


def new_files(policy: CheckpointPolicy, sent_names: set[str]) -> Iterator[CheckpointFile]:
    """The checkpoints that were written since the last call; `sent_names` takes their names."""
    yield from _unsent(policy.plateau, "plateau", sent_names)
    yield from _unsent(policy.fall, "fall", sent_names)


def write_file(file: CheckpointFile, policy: CheckpointPolicy) -> None:
    """Write the checkpoint where it belongs, and keep the newest of that folder.

    Raises ValueError for a name that no checkpoint has.
    """
    if not fnmatchcase(file.name, FILE_PATTERN) or Path(file.name).name != file.name:
        raise ValueError(f"a checkpoint is named by its step and its digest, got {file.name!r}")
    folder = policy.fall if file.folder == "fall" else policy.plateau
    try:
        write_atomically(folder / file.name, file.content)
    except OSError as error:
        # As in the training itself: a full disk costs the checkpoint and not the training.
        _log.warning("checkpoint %s was not kept: %s", file.name, error.strerror)
    for outdated in _newest_first(folder)[KEPT_CHECKPOINTS:]:
        outdated.unlink(missing_ok=True)


def _unsent(
    folder: Path, kind: Literal["plateau", "fall"], sent_names: set[str]
) -> Iterator[CheckpointFile]:
    for path in _newest_first(folder)[:KEPT_CHECKPOINTS]:
        if path.name not in sent_names:
            try:
                content = path.read_bytes()
            except FileNotFoundError:  # dropped for a newer one just now
                continue
            sent_names.add(path.name)
            yield CheckpointFile(kind, path.name, content)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(FILE_PATTERN), reverse=True)
