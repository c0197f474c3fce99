"""When a training's checkpoints are written, into which folder, and which one it resumes from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaling_search.training import checkpoint
from scaling_search.training.checkpoint import Checkpoint
from scaling_search.training.distributed import Group
from scaling_search.training.stopping import StopRequest

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckpointPolicy:
    """Where a training's checkpoints go, and when it must stop.

    The plateau is shared by every training that differs only in its length, the fall belongs to
    one training; hence two folders.
    """

    plateau: Path
    fall: Path
    every_seconds: float = 60.0
    stop_asked: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic


@dataclass
class CheckpointSaver:
    """Saves a training by a policy. Of a group's processes only the main one writes and reads.

    The first `shared_steps` of `total_steps` belong to the plateau.
    """

    policy: CheckpointPolicy
    group: Group
    shared_steps: int
    total_steps: int

    def start(self) -> None:
        """Count from now on the seconds to the next checkpoint."""
        self._last_save = self.policy.clock()
        self._stop = StopRequest(self.group, self.policy.stop_asked, self.policy.clock)

    def must_stop(self, step: int, *, ends_epoch: bool) -> bool:
        """Whether to stop after this step, the same in all processes."""
        return self._stop.at(step, ends_epoch=ends_epoch)

    def is_due(self, step: int) -> bool:
        """Whether the time is over, or the plateau ends here and something follows it."""
        seconds = self.policy.clock() - self._last_save
        at_fall = step == self.shared_steps and step < self.total_steps
        return at_fall or seconds >= self.policy.every_seconds

    def save(self, step: int, make: Callable[[], Checkpoint]) -> None:
        """Write the checkpoint of this step into the folder that it belongs to."""
        is_shared = step <= self.shared_steps
        self._write(self.policy.plateau if is_shared else self.policy.fall, make)

    def save_last(self, make: Callable[[], Checkpoint]) -> None:
        """Write the checkpoint of the finished training."""
        if self.shared_steps == self.total_steps:  # a longer training begins with all of it
            self._write(self.policy.plateau, make)
        self._write(self.policy.fall, make)

    def newest(self) -> tuple[Checkpoint | None, bool]:
        """The newest valid checkpoint to resume from, and whether it is the training's last one."""
        of_fall = newest = None
        if self.group.is_main:
            fall, plateau = self.policy.fall, self.policy.plateau
            of_fall = next(checkpoint.valid_checkpoints(fall, at_most=self.total_steps), None)
            shared = checkpoint.valid_checkpoints(plateau, at_most=self.shared_steps)
            newest = of_fall or next(shared, None)
        # One reads for all: two that read might find different ones whole.
        newest = self.group.from_main(newest)
        return newest, of_fall is not None and of_fall.step == self.total_steps

    def _write(self, folder: Path, make: Callable[[], Checkpoint]) -> None:
        if self.group.is_main:
            made = make()
            try:
                checkpoint.save(folder, made)
            except OSError as error:
                # A full disk costs the checkpoint, not the training; the next one may find room.
                _log.warning("no checkpoint of step %d: %s", made.step, error.strerror)
        self._last_save = self.policy.clock()
