"""The driver's directory of checkpoints: which nodes share it, and what the others are sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import ray

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.ray.checkpoint_files import CheckpointFile, files_to_resume, write_file
from scaling_search.training.checkpoint_saver import CheckpointPolicy

MARK = ".shared-"


@dataclass
class Checkpoints:
    """The checkpoints of a place; `mark` is a file there by which a node knows that it shares it.

    The mark's name is new each time: a directory of the same path elsewhere does not have it.
    """

    place: Place
    mark: str = ""
    _sharing: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Set the mark; raises OSError when the directory can't be written."""
        if self.place.checkpoints is None:
            return
        # A task's working directory is not the driver's.
        folder = Path(self.place.checkpoints).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob(f"{MARK}*"):  # by a driver that was killed
            left_over.unlink(missing_ok=True)
        self.place = replace(self.place, checkpoints=str(folder))
        mark = folder / f"{MARK}{uuid4().hex}"
        mark.touch()
        self.mark = str(mark)

    def close(self) -> None:
        """Take the mark away."""
        if self.mark:
            Path(self.mark).unlink(missing_ok=True)

    def note_sharing(self, node: str, shares_checkpoints: bool) -> None:
        """Note whether the node found the mark."""
        (self._sharing.add if shares_checkpoints else self._sharing.discard)(node)

    def references(
        self, job: TrainJob, nodes: Iterable[str]
    ) -> tuple[ray.ObjectRef[list[CheckpointFile]], ...]:
        """The job's checkpoints in the object store, unless each of these nodes can read them."""
        policy = self._policy(job)
        if policy is None or self._sharing.issuperset(nodes):
            return ()
        files = files_to_resume(policy)
        return (ray.put(files),) if files else ()

    def write(self, job: TrainJob, file: CheckpointFile) -> None:
        """Write a checkpoint that a node has sent."""
        policy = self._policy(job)
        if policy is not None:
            write_file(file, policy)

    def _policy(self, job: TrainJob) -> CheckpointPolicy | None:
        return self.place.checkpoint_policy(job, lambda: False)
