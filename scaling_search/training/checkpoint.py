"""Checkpoints that a power cut can't spoil: a file is whole, or it is not used.

A checkpoint is a safetensors file whose name carries its step and the SHA-256 of its bytes. It is
written beside its place, flushed to disk and renamed; the two newest of a folder are kept, and
the newest whose bytes still match its name is the one that is read. A damaged one is logged, and
so is a file of any other kind under such a name, of which nothing is executed.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from scaling_search.core.atomic_files import write_atomically

KEPT_CHECKPOINTS = 2
FILE_PATTERN = "[0-9]" * 9 + "-*.safetensors"  # the step, and 16 digits of the digest

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """Tensors by name and a JSON record, as of `step` (the number of steps done)."""

    step: int
    tensors: Mapping[str, torch.Tensor]
    record: Mapping[str, Any]


def save(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the checkpoint into the folder and drop all but the newest two.

    Raises OSError when the disk is full; what was there before is untouched then.

    Examples:
        >>> from pathlib import Path
        >>> import torch
        >>> from scaling_search.training.checkpoint import Checkpoint, load, save
        >>> checkpoint = Checkpoint(120, {"weight": torch.ones(3)}, {"epoch": 2})
        >>> path = save(Path("runs/any/fall"), checkpoint)
        >>> load(path).step, dict(load(path).record)
        (120, {'epoch': 2})
    """
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    payload = safetensors.torch.save(tensors, {"record": json.dumps(dict(checkpoint.record))})
    path = folder / f"{checkpoint.step:09d}-{_digest(payload)}.safetensors"
    write_atomically(path, payload)
    for outdated in _newest_first(folder)[KEPT_CHECKPOINTS:]:
        outdated.unlink(missing_ok=True)
    return path


def load(path: Path) -> Checkpoint | None:
    """The checkpoint of a file, or None when its bytes are damaged or those of something else."""
    try:
        payload = path.read_bytes()
    except FileNotFoundError:  # another worker has just dropped it for a newer one
        return None
    try:
        if _digest(payload) == _digest_named(path):
            return Checkpoint(step_of(path), safetensors.torch.load(payload), _record(payload))
    except (SafetensorError, ValueError, LookupError, TypeError, RecursionError):
        _log.warning("checkpoint %s is none of ours: going on without it", path.name)
        return None
    _log.warning("checkpoint %s is damaged: going on from an older one", path.name)
    return None


def intact(path: Path) -> bool:
    """Whether the bytes of a checkpoint's file still match its name; raises OSError.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.training.checkpoint import Checkpoint, intact, save
        >>> path = save(Path("runs/any/fall"), Checkpoint(120, {}, {"epoch": 2}))
        >>> valid_checkpoints = intact(path)
        >>> _ = path.write_bytes(path.read_bytes()[:-1])
        >>> valid_checkpoints, intact(path)
        (True, False)
    """
    return _digest(path.read_bytes()) == _digest_named(path)


def step_of(path: Path) -> int:
    """The step that a checkpoint's file name says.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.training.checkpoint import step_of
        >>> step_of(Path("000000120-59dbb0bd9214ea7d.safetensors"))
        120
    """
    return int(path.stem.partition("-")[0])


def valid_checkpoints(folder: Path, *, at_most: int) -> Iterator[Checkpoint]:
    """The valid checkpoints of a folder up to a step, the newest first."""
    for path in _newest_first(folder):
        if step_of(path) <= at_most:
            checkpoint = load(path)
            if checkpoint is not None:
                yield checkpoint


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:16]


def _digest_named(path: Path) -> str:
    return path.stem.partition("-")[2]


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(FILE_PATTERN), reverse=True)


def _record(payload: bytes) -> dict[str, Any]:
    """The JSON record in the header; the file itself may be gone by now."""
    end = 8 + int.from_bytes(payload[:8], "little")
    return dict(json.loads(json.loads(payload[8:end])["__metadata__"]["record"]))
