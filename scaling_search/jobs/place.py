"""Where a job runs, and where its checkpoints and logs lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaling_search.jobs.job import TrainJob
from scaling_search.training.checkpoint_saver import CheckpointPolicy


@dataclass(frozen=True)
class Place:
    """Where jobs run: the device, and the directory of their checkpoints (None: keep none)."""

    device: str = "cpu"
    checkpoints: str | None = None
    every_seconds: float = 60.0

    @property
    def logs(self) -> Path:
        """The directory of logs, beside that of the checkpoints."""
        return Path(self.checkpoints or "checkpoints").parent / "logs"

    def checkpoint_policy(
        self, job: TrainJob, stop_asked: Callable[[], bool]
    ) -> CheckpointPolicy | None:
        """The folders of this job's checkpoints."""
        if self.checkpoints is None:
            return None
        root = Path(self.checkpoints)
        return CheckpointPolicy(
            plateau=root / job.shared_hash,
            fall=root / job.shared_hash / job.own_hash,
            every_seconds=self.every_seconds,
            stop_asked=stop_asked,
        )
