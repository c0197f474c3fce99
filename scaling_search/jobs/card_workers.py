"""Workers whose number is not known before the first job comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.executor import Event, NextJob
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.workers import Workers


@dataclass
class CardWorkers:
    """Workers on cards whose number is decided on when the first job comes; a context manager.

    A run that has nothing to train so decides on nothing, and starts nothing.
    """

    cards: Sequence[GpuCard]
    place: Place
    logs: Path
    limit_seconds: float | None
    decide: Callable[[TrainJob], int]
    _pool: Workers | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers, as `Workers` does."""
        self.rest()

    def rest(self) -> None:
        """End all workers."""
        if self._pool is not None:
            self._pool.rest()

    def run(self, source: NextJob) -> Iterator[Event]:
        """As `Workers.run`."""
        if self._pool is None:
            if (first := source()) is None:
                return
            source = _starting_with(first, source)
            with PREEMPTION.polled():
                number = self.decide(first)
            self._pool = Workers(
                number, self.place, self.logs, self.limit_seconds, cards=self.cards
            )
        yield from self._pool.run(source)


def _starting_with(first: TrainJob, source: NextJob) -> NextJob:
    """The source that gives this job before all others."""
    first_jobs = [first]
    return lambda: first_jobs.pop() if first_jobs else source()
