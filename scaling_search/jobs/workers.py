"""Where jobs run: in worker processes on this machine, on its CPU or spread over its GPUs."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

from scaling_search.core.errors import UserError
from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.jobs.card_pool import CardPool
from scaling_search.jobs.cards import THIS_DEVICE, GpuCard
from scaling_search.jobs.execute import Place
from scaling_search.jobs.executor import (
    DEATHS_ALLOWED,
    GRACE_SECONDS,
    Ended,
    Epoch,
    Event,
    NextJob,
    Started,
)
from scaling_search.jobs.failure import logged
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
from scaling_search.training.history import epoch_record

CLOSING_SECONDS = 10.0  # of an interpreter that has closed its pipe already: its status is its own


@dataclass
class _Worker:
    process: WorkerProcess
    card: GpuCard
    job: TrainJob | None = None
    began: float = 0.0
    where: dict[str, str] = field(default_factory=dict)
    others_bytes: int = 0

    @property
    def busy_with(self) -> TrainJob:
        """Its job; asked only of a worker that has one."""
        return cast("TrainJob", self.job)


@dataclass
class Workers:
    """Worker processes on this machine, one thread each; a context manager that ends them.

    Each has one of the cards for life, and they are spread over the cards in turn. A worker that
    dies is replaced on its card and its job runs again from its checkpoint; after three deaths the
    job's result is `Lost`. A job over `limit_seconds` is ended and its result is `TimedOut`. What
    becomes of a card that is full or fails: see `CardPool`.
    """

    workers: int
    place: Place
    logs: Path
    limit_seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    cards: Sequence[GpuCard] = (THIS_DEVICE,)
    _pool: list[_Worker] = field(default_factory=list)
    _deaths: dict[str, int] = field(default_factory=dict)
    _again: deque[TrainJob] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._share = CardPool(self.cards, self.workers, lambda: self.clock())

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
            self._release(worker)
        self._pool.clear()

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run each job on whichever worker is free; raises PreemptedError when asked for room.

        Raises UserError when no card is left that works.
        """
        with PREEMPTION.polled():
            yield from self._events(source)

    def _events(self, source: NextJob) -> Iterator[Event]:
        self._again.clear()
        while True:
            for job, card in self._next(source):
                worker = self._free(card)
                self._begin(worker, job)
                yield Started(job)
            if not any(worker.job for worker in self._pool):
                self._share.require_a_working_card()
                if not self._again:
                    return
            yield from self._listen()

    def _next(self, source: NextJob) -> Iterator[tuple[TrainJob, GpuCard]]:
        """Jobs with their cards while there is room; those that run again go before all others."""
        for job in list(self._again):
            if (card := self._share.card_for(job)) is not None:
                self._again.remove(job)
                yield job, card
        while (card := self._share.card_for()) is not None and (new := source()) is not None:
            yield new, card

    def _begin(self, worker: _Worker, job: TrainJob) -> None:
        worker.job, worker.began = job, self.clock()
        worker.where, worker.others_bytes = {}, 0
        self._share.begin(worker.card, job)
        worker.process.order(job, self.place)

    def _free(self, card: GpuCard) -> _Worker:
        """A worker of the card without a job, started if there is none."""
        for worker in self._pool:
            if worker.job is None and worker.card == card:
                if not worker.process.alive:  # no job is to blame for this
                    self._replace(worker)
                return worker
        log = self.logs / f"worker-{len(self._pool)}.log"
        self._pool.append(_Worker(WorkerProcess(log, self._settings(card)), card))
        return self._pool[-1]

    def _settings(self, card: GpuCard) -> dict[str, str]:
        at_once = {TRAININGS_AT_ONCE: str(self.workers)}
        return {**interpreter_settings(1), **at_once, **card.environment}

    def _listen(self) -> Iterator[Event]:
        PREEMPTION.check()
        with selectors.DefaultSelector() as selector:
            for worker in self._pool:
                if worker.job is not None:
                    selector.register(worker.process.answers_from, selectors.EVENT_READ, worker)
            for key, _ in selector.select(timeout=1.0):
                yield from self._hear(key.data)
        yield from self._overdue()

    def _hear(self, worker: _Worker) -> Iterator[Event]:
        answers = worker.process.answers()
        if answers is None:
            yield from self._on_death(worker)
            return
        for answer in answers:
            yield from self._understand(worker, answer)

    def _understand(self, worker: _Worker, answer: dict[str, Any]) -> Iterator[Event]:
        if "epoch" in answer:
            yield Epoch(worker.busy_with, epoch_record(answer["epoch"]))
        elif "where" in answer:
            worker.where = answer["where"]
        elif "others bytes" in answer:
            worker.others_bytes = answer["others bytes"]
        elif "mistake" in answer:
            self._release(worker)
            raise UserError(answer["mistake"])
        else:
            yield from self._on_result(worker, result_from_json(answer["result"]))

    def _on_result(self, worker: _Worker, result: Result) -> Iterator[Event]:
        job = worker.busy_with
        elsewhere = self._share.tries_again(worker.card, job, result, worker.others_bytes)
        if isinstance(result, Failed):
            result = logged(result, worker.process.log)
            self._renew(worker)  # what an exception left behind must not meet the next job
        self._release(worker)
        if elsewhere:
            self._end_idle(worker.card)
            self._again.append(job)
        else:
            yield Ended(job, result, self._where(worker))

    def _on_death(self, worker: _Worker) -> Iterator[Event]:
        """Replace a dead worker; its job goes before all others, unless it is the killer."""
        dead, job = worker.process, worker.busy_with
        status = self._replace(worker, CLOSING_SECONDS)
        self._deaths[job.hash] = self._deaths.get(job.hash, 0) + 1
        if self._deaths[job.hash] < DEATHS_ALLOWED:
            self._again.append(job)
            return
        words = dead.last_words() or "none"
        log = f"{self.logs.name}/{dead.log.name}"
        reason = f"the process ended with status {status}, its last words were: {words} ({log})"
        yield Ended(job, Lost(self._deaths[job.hash], reason), self._where(worker))

    def _overdue(self) -> Iterator[Event]:
        for worker in self._pool:
            limit, job = self.limit_seconds, worker.job
            if job is not None and limit is not None and self.clock() - worker.began > limit:
                self._replace(worker)
                yield Ended(job, TimedOut(limit), self._where(worker))

    def _end_idle(self, card: GpuCard) -> None:
        """Give the card what workers without a job hold of it; the next job there has a new one."""
        for worker in self._pool:
            if worker.card == card and worker.job is None:
                worker.process.end()

    def _renew(self, worker: _Worker) -> None:
        if worker.card in self._share.working:
            self._replace(worker)
        else:
            worker.process.end()

    def _replace(self, worker: _Worker, grace_seconds: float = 0.0) -> int:
        """Kill the process unless it ends in that time, start another; the old one's status."""
        status = worker.process.end(grace_seconds)
        worker.process = WorkerProcess(worker.process.log, self._settings(worker.card))
        self._release(worker)
        return status

    def _release(self, worker: _Worker) -> None:
        if worker.job is not None:
            self._share.end(worker.card, worker.job)
        worker.job = None

    def _where(self, worker: _Worker) -> dict[str, str] | None:
        return worker.card.where(worker.where) or None
