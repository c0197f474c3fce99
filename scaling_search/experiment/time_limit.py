"""A run that may go on for so many hours: what still fits, and what is noted of what did not."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from scaling_search.core.errors import require
from scaling_search.cost.analytic import count
from scaling_search.data.request import DataInfo
from scaling_search.experiment.training_rates import (
    MeasuredNetwork,
    SecondsRange,
    TrainingRates,
    elapsed,
    share_of_pixels,
)
from scaling_search.jobs.executor import Ended, Event, Started
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.jobs.run_choices import ReachedLimit, RunChoices
from scaling_search.jobs.step_rate import StepRate
from scaling_search.search.search import Search

KEPT_SHARE = 0.5  # of the hours, at most, are kept from the search


@dataclass
class TimeLimit:
    """So many hours from now on, by the clock; it learns from results how long trainings take.

    Nothing is known before the first result, and until then everything fits. `left_out`: something
    did not fit. Raises UserError for no hours.
    """

    hours: float
    clock: Callable[[], float] = time.monotonic
    left_out: bool = False
    _at_once: int = 1
    _running: set[str] = field(default_factory=set)
    _blocks: dict[int, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rule = "--max-hours must be above 0 and finite"
        require(0 < self.hours < math.inf, rule, self.hours)
        self._end = self.clock() + 3600 * self.hours

    @property
    def seconds_left(self) -> float:
        """How long it may still go on; below 0 once it is over."""
        return self._end - self.clock()

    def event(self, event: Event) -> None:
        """Take note of what runs and of what it took."""
        match event:
            case Started():
                self._running.add(event.job.hash)
                self._at_once = max(self._at_once, len(self._running))
            case Ended():
                self._running.discard(event.job.hash)
                self.learn(event.job, event.result)

    def learn(self, job: TrainJob, result: Result) -> None:
        """Take note of a result of this machine's."""
        images = job.train_images * job.epochs * share_of_pixels(job)
        if isinstance(result, Finished) and result.train_seconds > 0:
            seconds = result.train_seconds / images
            self._blocks.setdefault(count(job.architecture).macs, []).append(seconds)

    def fits(self, job: TrainJob, info: DataInfo, reserved_seconds: float = 0.0) -> bool:
        """Whether a training that begins now, at its slowest, ends `reserved_seconds` early.

        No more is reserved than half of the hours. Where it doesn't fit, `left_out` is set.
        """
        rates = self._rates()
        needed = SecondsRange() if rates is None else rates.training(job, info)
        return self.has_room(needed.high + min(reserved_seconds, KEPT_SHARE * 3600 * self.hours))

    def has_room(self, seconds: float) -> bool:
        """Whether so many seconds are left; where they are not, `left_out` is set."""
        room = self.seconds_left >= seconds
        self.left_out = self.left_out or not room
        return room

    def needed(self, jobs: Iterable[TrainJob], info: DataInfo) -> float:
        """What these trainings are expected to take together; 0 s while nothing is known."""
        rates = self._rates()
        if rates is None:
            return 0.0
        return elapsed([(1, rates.training(job, info)) for job in jobs], self._at_once).middle

    def _rates(self) -> TrainingRates | None:
        if not self._blocks:
            return None
        # Forward is a third of a training step.
        return TrainingRates(
            tuple(
                MeasuredNetwork(macs, StepRate(tuple(each), tuple(seconds / 3 for seconds in each)))
                for macs, each in sorted(self._blocks.items())
            )
        )


def note_limit(run_directory: Path, limit: TimeLimit) -> None:
    """Write down that the last run here left something out; a new one forgets it first."""
    choices = RunChoices.read(run_directory)
    replace(choices, time_limit=ReachedLimit(limit.hours)).write(run_directory)


def forget_limit(run_directory: Path) -> None:
    """Take back what `note_limit` wrote."""
    choices = RunChoices.read(run_directory)
    if choices.time_limit is not None:
        replace(choices, time_limit=None).write(run_directory)


def noted_limit(run_directory: Path) -> float | None:
    """The hours of the last run here, if it left something out for them."""
    limit = RunChoices.read(run_directory).time_limit
    return None if limit is None else limit.max_hours


def may_conclude(search: Search, run_directory: Path) -> bool:
    """Whether a search has its answer: it is finished, or a limit of hours has ended it."""
    if search.state().done:
        return True
    if noted_limit(run_directory) is None:
        return False
    return any(isinstance(result, Finished) for *_, result in search.results())
