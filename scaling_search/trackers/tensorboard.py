"""TensorBoard's own files, a folder for each training.

They are written here rather than by torch's SummaryWriter: its thread holds points back for two
minutes, and prints a traceback when the disk is full.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.record_writer import RecordWriter
from torch.utils.tensorboard.summary import hparams, scalar

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Result
from scaling_search.trackers.tracker import facts, of_epoch, of_result
from scaling_search.training.history import EpochRecord

_FILES = numbers()


class EventFile:
    """A file of events, each on the disk once it is written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_FILES)}"
        self._file = (folder / f"events.out.tfevents.{name}").open("wb")
        self._records = RecordWriter(self._file)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, *summaries: Any, step: int | None = None) -> None:
        """Write summaries; raises OSError."""
        for summary in summaries:
            self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def close(self) -> None:
        """Write no more."""
        self._records.close()

    def _write(self, event: Event) -> None:
        try:
            self._records.write(event.SerializeToString())
            self._records.flush()
        except OSError:
            self._file.raw.close()  # or it would try once more, and print that it can't
            raise


@dataclass
class TensorBoard:
    """A `Tracker` that writes below `folder`; a training taken up again goes on in its own."""

    folder: Path
    _open: dict[str, EventFile] = field(default_factory=dict)
    _facts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the folder, which raises OSError where that can't be."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def where(self) -> str:
        """The command that shows it."""
        return f"tensorboard --logdir {shlex.quote(str(self.folder))}"

    def begin(self, job: TrainJob, phase: str) -> None:
        """Open its file."""
        self._open[job.hash] = EventFile(self.folder / folder_name(job))
        self._facts[job.hash] = facts(job, phase)

    def epoch(self, job: TrainJob, record: EpochRecord) -> None:
        """A point of each curve."""
        self._open[job.hash].add(*_points(of_epoch(record)), step=record.epoch)

    def end(self, job: TrainJob, result: Result) -> None:
        """A row of the tab HPARAMS, which lists trainings by their facts and scores."""
        file, ending = self._open.pop(job.hash), of_result(result)
        listed = {**self._facts.pop(job.hash), "outcome": result.kind}
        file.add(*hparams(listed, ending))  # type: ignore[no-untyped-call]
        file.add(*_points(ending), step=job.epochs)
        file.close()

    def close(self) -> None:
        """Close the files of trainings that have not ended."""
        while self._open:
            self._open.popitem()[1].close()


def _points(values: Mapping[str, float]) -> list[Any]:
    return [scalar(name, value) for name, value in values.items()]  # type: ignore[no-untyped-call]


def folder_name(job: TrainJob) -> str:
    """The name of a training's folder, the same whenever it is trained."""
    network = re.sub(r"[^\w.+=-]+", "_", job.architecture.name)
    px = job.architecture.resolution_px
    return f"{network}-{px}px-{job.epochs}ep-seed{job.seed}-{job.hash[:8]}"
