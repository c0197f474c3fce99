"""Where jobs run: in worker processes on this machine, on its CPU or spread over its GPUs."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from scaling_search.core.child_interpreter import CLOSING_SECONDS
from scaling_search.core.errors import UserError
from scaling_search.jobs.card_pool import CardPool
from scaling_search.jobs.cards import THIS_DEVICE, GpuCard
from scaling_search.jobs.executor import DEATHS_ALLOWED, Ended, Epoch, Event, NextJob, Started
from scaling_search.jobs.failure import logged
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.result import Failed, Lost, Result, TimedOut, result_from_json
from scaling_search.jobs.worker_pool import Worker, WorkerPool
from scaling_search.training.history import epoch_record


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
    _deaths: dict[str, int] = field(default_factory=dict)
    _repeated: deque[TrainJob] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._pool = WorkerPool(self.workers, self.logs)
        self._cards = CardPool(self.cards, self.workers, lambda: self.clock())

    def __enter__(self) -> Self:
        """Start the processes when the first job comes, not here."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ask the workers to stop at their next step; kill those that do not."""
        self.rest()

    def rest(self) -> None:
        """End all workers, idle ones too: each holds memory and a context of a GPU."""
        for worker in self._pool.end():
            self._release(worker)

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run each job on whichever worker is free; raises PreemptedError when asked for room.

        Raises UserError when no card is left that works.
        """
        with PREEMPTION.polled():
            yield from self._events(source)

    def _events(self, source: NextJob) -> Iterator[Event]:
        self._repeated.clear()
        while True:
            for job, card in self._next_jobs(source):
                self._begin(job, card)
                yield Started(job)
            if not any(self._pool.busy):
                self._cards.require_a_working_card()
                if not self._repeated:
                    return
            yield from self._listen()

    def _next_jobs(self, source: NextJob) -> Iterator[tuple[TrainJob, GpuCard]]:
        """Jobs with their cards while there is room; those that run again go before all others."""
        for job in list(self._repeated):
            if (card := self._cards.card_for(job)) is not None:
                self._repeated.remove(job)
                yield job, card
        while (card := self._cards.card_for()) is not None and (next_job := source()) is not None:
            yield next_job, card

    def _begin(self, job: TrainJob, card: GpuCard) -> None:
        worker = self._pool.idle_worker(card)
        worker.begin(job, self.clock())
        self._cards.begin(card, job)
        worker.process.order(job, self.place)

    def _listen(self) -> Iterator[Event]:
        PREEMPTION.check()
        with selectors.DefaultSelector() as selector:
            for worker in self._pool.busy:
                selector.register(worker.process.answers_from, selectors.EVENT_READ, worker)
            for key, _ in selector.select(timeout=1.0):
                yield from self._answers(key.data)
        yield from self._overdue()

    def _answers(self, worker: Worker) -> Iterator[Event]:
        answers = worker.process.answers()
        if answers is None:
            yield from self._on_death(worker)
            return
        for answer in answers:
            yield from self._on_answer(worker, answer)

    def _on_answer(self, worker: Worker, answer: dict[str, Any]) -> Iterator[Event]:
        if "epoch" in answer:
            yield Epoch(worker.current_job, epoch_record(answer["epoch"]))
        elif "where" in answer:
            worker.where = answer["where"]
        elif "others bytes" in answer:
            worker.others_bytes = answer["others bytes"]
        elif "mistake" in answer:
            self._release(worker)
            raise UserError(answer["mistake"])
        else:
            yield from self._on_result(worker, result_from_json(answer["result"]))

    def _on_result(self, worker: Worker, result: Result) -> Iterator[Event]:
        job = worker.current_job
        repeats = self._cards.tries_again(worker.card, job, result, worker.others_bytes)
        if isinstance(result, Failed):
            result = logged(result, worker.process.log)
            self._renew(worker)  # what an exception left behind must not meet the next job
        self._release(worker)
        if repeats:
            self._pool.end_idle(worker.card)
            self._repeated.append(job)
        else:
            yield Ended(job, result, worker.record_where)

    def _on_death(self, worker: Worker) -> Iterator[Event]:
        """Replace a dead worker; its job goes before all others, unless it is the killer."""
        dead, job = worker.process, worker.current_job
        status = self._replace(worker, CLOSING_SECONDS)
        self._deaths[job.hash] = self._deaths.get(job.hash, 0) + 1
        if self._deaths[job.hash] < DEATHS_ALLOWED:
            self._repeated.append(job)
            return
        words = dead.last_words() or "none"
        log = f"{self.logs.name}/{dead.log.name}"
        reason = f"the process ended with status {status}, its last words were: {words} ({log})"
        yield Ended(job, Lost(self._deaths[job.hash], reason), worker.record_where)

    def _overdue(self) -> Iterator[Event]:
        limit = self.limit_seconds
        for worker in self._pool.workers:
            job = worker.job
            if job is not None and limit is not None and self.clock() - worker.began > limit:
                self._replace(worker)
                yield Ended(job, TimedOut(limit), worker.record_where)

    def _renew(self, worker: Worker) -> None:
        if worker.card in self._cards.working:
            self._replace(worker)
        else:
            worker.process.end()

    def _replace(self, worker: Worker, grace_seconds: float = 0.0) -> int:
        status = self._pool.replace(worker, grace_seconds)
        self._release(worker)
        return status

    def _release(self, worker: Worker) -> None:
        if worker.job is not None:
            self._cards.end(worker.card, worker.job)
        worker.job = None
