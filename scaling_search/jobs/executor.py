"""Where jobs run: in this process, or in worker processes on this machine.

All are the same plug point: `run(source)` asks for a job whenever there is room for one, and yields
what happens: a result exactly once per job, in whatever order the results come.
"""

from __future__ import annotations

import os
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, cast

from scaling_search.core.errors import UserError
from scaling_search.cost.torch_defaults import one_thread
from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.jobs.execute import Place, execute, make_room
from scaling_search.jobs.failure import failure_here, logged
from scaling_search.jobs.job import (
    Failed,
    Lost,
    Result,
    TimedOut,
    TrainJob,
    result_from_json,
)
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.latency.process_runner import interpreter_settings
from scaling_search.training.history import EpochRecord, epoch_record
from scaling_search.training.loop import StoppedError

# A job whose process dies as often as this is taken to be the cause.
DEATHS_ALLOWED = 3
GRACE_SECONDS = 15.0
CLOSING_SECONDS = 10.0  # of an interpreter that has closed its pipe already: its status is its own


@dataclass(frozen=True)
class Started:
    """A job is under way."""

    job: TrainJob


@dataclass(frozen=True)
class Epoch:
    """A job has ended an epoch."""

    job: TrainJob
    record: EpochRecord


@dataclass(frozen=True)
class Ended:
    """A job has its result; `where` it was trained, unless on the driver's own device."""

    job: TrainJob
    result: Result
    where: Mapping[str, str] | None = None


Event = Started | Epoch | Ended


NextJob = Callable[[], TrainJob | None]
"""The next job to start, or None while there is none; asked again after every result."""


class Executor(Protocol):
    """Runs jobs; `run` yields exactly one `Ended` for each."""

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run what the source gives, until it has nothing and nothing is under way.

        An event is dealt with before the source is asked again, so what comes next may depend on
        every result so far.
        """
        ...

    def rest(self) -> None:
        """Between two runs: leave the device to whoever times on it, until the next job comes."""
        ...


def each_of(jobs: Iterable[TrainJob]) -> NextJob:
    """The source that gives these jobs in order."""
    left = iter(jobs)
    return lambda: next(left, None)


@dataclass(frozen=True)
class Inline:
    """Runs one job after the other in this process."""

    place: Place = field(default_factory=Place)

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run one job after the other; the caller's torch is left as it was."""
        while (job := source()) is not None:
            yield Started(job)
            with PREEMPTION.polled(), one_thread():
                result = self._result(job)
            yield Ended(job, result)

    def rest(self) -> None:
        """Keep no memory of the device; what this process is on it without that does nothing."""
        make_room(self.place)

    def _result(self, job: TrainJob) -> Result:
        try:
            return execute(job, self.place, stop_asked=lambda: PREEMPTION.asked)
        except (UserError, StoppedError, OSError):
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a network's code may raise)
            return failure_here(error, self.place.logs)


@dataclass
class _Worker:
    process: WorkerProcess
    job: TrainJob | None = None
    began: float = 0.0

    @property
    def busy_with(self) -> TrainJob:
        """Its job; asked only of a worker that has one."""
        return cast("TrainJob", self.job)


@dataclass
class Workers:
    """Worker processes on this machine, one thread each; a context manager that ends them.

    A worker that dies is replaced and its job runs again from its checkpoint; after three deaths
    the job's result is `Lost`. A job over `limit_seconds` is ended and its result is `TimedOut`.
    """

    workers: int
    place: Place
    logs: Path
    limit_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    _pool: list[_Worker] = field(default_factory=list)
    _deaths: dict[str, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Start the processes when the first job comes, not here."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the workers to stop at their next step; kill those that do not."""
        self.rest()

    def rest(self) -> None:
        """End all workers, idle ones too: each holds memory and a context of a GPU."""
        for worker in self._pool:
            worker.process.ask_to_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self._pool:
            worker.process.end(max(0.1, deadline - time.monotonic()))
        self._pool.clear()

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run each job on whichever worker is free; raises PreemptedError when asked for room."""
        with PREEMPTION.polled():
            yield from self._events(source)

    def _events(self, source: NextJob) -> Iterator[Event]:
        again: deque[TrainJob] = deque()
        while True:
            while self._has_room():
                job = again.popleft() if again else source()
                if job is None:
                    break
                worker = self._free()
                worker.job, worker.began = job, self.clock()
                worker.process.order(job, self.place)
                yield Started(job)
            if not any(worker.job for worker in self._pool):
                return
            yield from self._listen(again)

    def _has_room(self) -> bool:
        return len(self._pool) < self.workers or any(worker.job is None for worker in self._pool)

    def _free(self) -> _Worker:
        """A worker without a job, started if there is none."""
        for worker in self._pool:
            if worker.job is None:
                if not worker.process.alive:  # no job is to blame for this
                    self._replace(worker)
                return worker
        log = self.logs / f"worker-{len(self._pool)}.log"
        self._pool.append(_Worker(WorkerProcess(log, self._settings())))
        return self._pool[-1]

    def _settings(self) -> dict[str, str]:
        return {**interpreter_settings(1), TRAININGS_AT_ONCE: str(self.workers)}

    def _listen(self, again: deque[TrainJob]) -> Iterator[Event]:
        PREEMPTION.check()
        with selectors.DefaultSelector() as selector:
            for worker in self._pool:
                if worker.job is not None:
                    selector.register(worker.process.answers_from, selectors.EVENT_READ, worker)
            for key, _ in selector.select(timeout=1.0):
                yield from self._hear(key.data, again)
        yield from self._overdue()

    def _hear(self, worker: _Worker, again: deque[TrainJob]) -> Iterator[Event]:
        answers = worker.process.answers()
        if answers is None:
            yield from self._on_death(worker, again)
            return
        for answer in answers:
            yield self._understand(worker, answer)

    def _understand(self, worker: _Worker, answer: dict[str, Any]) -> Event:
        job = worker.busy_with
        if "epoch" in answer:
            return Epoch(job, epoch_record(answer["epoch"]))
        worker.job = None
        if "mistake" in answer:
            raise UserError(answer["mistake"])
        result = result_from_json(answer["result"])
        if isinstance(result, Failed):
            result = logged(result, worker.process.log)
            self._replace(worker)  # what an exception left behind must not meet the next job
        return Ended(job, result)

    def _on_death(self, worker: _Worker, again: deque[TrainJob]) -> Iterator[Event]:
        """Replace a dead worker; its job goes before all others, unless it is the killer."""
        dead, job = worker.process, worker.busy_with
        status = self._replace(worker, CLOSING_SECONDS)
        self._deaths[job.hash] = self._deaths.get(job.hash, 0) + 1
        if self._deaths[job.hash] < DEATHS_ALLOWED:
            again.append(job)
            return
        words = dead.last_words() or "none"
        log = f"{self.logs.name}/{dead.log.name}"
        reason = f"the process ended with status {status}, its last words were: {words} ({log})"
        yield Ended(job, Lost(self._deaths[job.hash], reason))

    def _overdue(self) -> Iterator[Event]:
        for worker in self._pool:
            limit, job = self.limit_seconds, worker.job
            if job is not None and limit is not None and self.clock() - worker.began > limit:
                self._replace(worker)
                yield Ended(job, TimedOut(limit))

    def _replace(self, worker: _Worker, grace_seconds: float = 0.0) -> int:
        """Kill the process unless it ends in that time, start another; the old one's status."""
        status = worker.process.end(grace_seconds)
        worker.process = WorkerProcess(worker.process.log, self._settings())
        worker.job = None
        return status


def default_workers(device: str) -> int:
    """One worker a core on a CPU; one on a GPU."""
    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
