"""Worker processes with their cards: started when a job comes, replaced when they die, ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.executor import GRACE_SECONDS
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.latency.process_runner import interpreter_settings


@dataclass
class Worker:
    """A process with its card for life, and the job that it has."""

    process: WorkerProcess
    card: GpuCard
    job: TrainJob | None = None
    began: float = 0.0
    where: dict[str, str] = field(default_factory=dict)
    others_bytes: int = 0

    @property
    def current_job(self) -> TrainJob:
        """Its job, of a worker that has one."""
        return cast("TrainJob", self.job)

    @property
    def record_where(self) -> dict[str, str] | None:
        """A record's `where`; None for the driver's own device."""
        return self.card.where(self.where) or None

    def begin(self, job: TrainJob, now: float) -> None:
        """Take note of a job that it is ordered to do."""
        self.job, self.began = job, now
        self.where, self.others_bytes = {}, 0


@dataclass
class WorkerPool:
    """The workers of a run that trains so many jobs at once; each writes a log into `logs`."""

    jobs_at_once: int
    logs: Path
    workers: list[Worker] = field(default_factory=list)

    @property
    def busy(self) -> Iterator[Worker]:
        """The workers that have a job."""
        return (worker for worker in self.workers if worker.job is not None)

    def idle_worker(self, card: GpuCard) -> Worker:
        """A worker of the card without a job, started if there is none."""
        for worker in self._idle(card):
            if not worker.process.alive:  # no job is to blame for this
                self.replace(worker)
            return worker
        log = self.logs / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker(WorkerProcess(log, self._settings(card)), card))
        return self.workers[-1]

    def replace(self, worker: Worker, grace_seconds: float = 0.0) -> int:
        """Kill the process unless it ends in that time, start another; the old one's status."""
        status = worker.process.end(grace_seconds)
        worker.process = WorkerProcess(worker.process.log, self._settings(worker.card))
        return status

    def end_idle(self, card: GpuCard) -> None:
        """Give the card what workers without a job hold of it; the next job there has a new one."""
        for worker in self._idle(card):
            worker.process.end()

    def end(self) -> Iterator[Worker]:
        """Ask all to stop at their next step, kill those that do not; each once it has ended."""
        for worker in self.workers:
            worker.process.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self.workers:
            worker.process.end(max(0.1, deadline - time.monotonic()))
            yield worker
        self.workers.clear()

    def _idle(self, card: GpuCard) -> Iterator[Worker]:
        return (worker for worker in self.workers if worker.job is None and worker.card == card)

    def _settings(self, card: GpuCard) -> dict[str, str]:
        at_once = {TRAININGS_AT_ONCE: str(self.jobs_at_once)}
        return {**interpreter_settings(1), **at_once, **card.environment}
