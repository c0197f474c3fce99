"""How long trainings take: a pure function of what a few of them were measured to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import fmean, median

import numpy as np

from scaling_search.cost.analytic import count
from scaling_search.data.request import DataInfo
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.step_rate import StepRate

# Networks of the same MACs differ in time, and three stand for all: read off the smallest, a middle
# and the largest of the committed runs (results/*/ledger.jsonl, by `train_seconds`), the time of
# all their networks together came to 0.80, 0.88 and 1.05 of what it was.
OFF_BY = 1.25


@dataclass(frozen=True)
class SecondsRange:
    """A time in seconds: what it is expected to be, and within what.

    Examples:
        >>> from scaling_search.experiment.training_rates import SecondsRange
        >>> SecondsRange(1.0, 2.0, 4.0) + SecondsRange(1.0, 1.0, 1.0)
        SecondsRange(low=2.0, middle=3.0, high=5.0)
    """

    low: float = 0.0
    middle: float = 0.0
    high: float = 0.0

    def __add__(self, other: SecondsRange) -> SecondsRange:
        return SecondsRange(
            self.low + other.low, self.middle + other.middle, self.high + other.high
        )

    def times(self, factor: float) -> SecondsRange:
        """So many of it."""
        return SecondsRange(factor * self.low, factor * self.middle, factor * self.high)


@dataclass(frozen=True)
class MeasuredNetwork:
    """A network of so many MACs (forward, one image) and what its images took, in seconds each."""

    macs: int
    rate: StepRate


@dataclass(frozen=True)
class TrainingRates:
    """What trainings take by their MACs, from `measured` ones in the order of their MACs.

    Between two of these the logarithm of the time is on the line through theirs; beyond the ends it
    grows as MACs do. Low and high are the fastest and the slowest block that was measured, and
    `OFF_BY` more to either side for networks that were not.
    """

    measured: tuple[MeasuredNetwork, ...]

    def training(self, job: TrainJob, info: DataInfo, share: float = 1.0) -> SecondsRange:
        """A training's seconds, the scoring after each epoch and at its end among them.

        `share` of its steps are new; what was trained before was scored then.
        """
        macs, recipe = count(job.architecture).macs, job.recipe
        train = self._seconds(macs, [m.rate.train for m in self.measured])
        score = self._seconds(macs, [m.rate.score for m in self.measured])
        scorings = share * job.epochs * (2 if recipe.ema_decay else 1)
        scored = scorings * info.validation_images + job.reads_test * info.test_images
        images = share * job.train_images * job.epochs * share_of_pixels(job)
        return train.times(images) + score.times(scored)

    def _seconds(self, macs: int, blocks: Sequence[Sequence[float]]) -> SecondsRange:
        """Seconds an image, by the blocks of each measured network."""
        low, middle, high = (
            self._between(macs, [statistic(each) for each in blocks])
            for statistic in (min, median, max)
        )
        return SecondsRange(low / OFF_BY, middle, high * OFF_BY)

    def _between(self, macs: int, seconds: Sequence[float]) -> float:
        at = [math.log(each.macs) for each in self.measured]
        log_macs = math.log(macs)
        inside = min(max(log_macs, at[0]), at[-1])
        return math.exp(float(np.interp(inside, at, np.log(seconds))) + log_macs - inside)


def share_of_pixels(job: TrainJob) -> float:
    """What part of all pixels a training sees, whose images grow; 1 where they don't."""
    px = job.architecture.resolution_px
    sides = (job.recipe.side_px_at(epoch, job.epochs, px) for epoch in range(job.epochs))
    return fmean((side / px) ** 2 for side in sides)


def elapsed(trainings: Sequence[tuple[float, SecondsRange]], at_once: int) -> SecondsRange:
    """The time of a phase whose trainings (how many, how long) start as soon as there is room.

    Its end waits for the last: by at most the longest training, but for that one's own share of the
    whole (Graham, Bounds on multiprocessing timing anomalies, 1969).

    Examples:
        >>> from scaling_search.experiment.training_rates import SecondsRange, elapsed
        >>> elapsed([(4, SecondsRange(10.0, 10.0, 10.0))], at_once=2)
        SecondsRange(low=20.0, middle=22.5, high=25.0)
    """
    total = reduce(add, (each.times(number) for number, each in trainings), SecondsRange())
    longest = max((each for _, each in trainings), key=lambda each: each.middle, default=total)
    waiting = longest.times(1 - 1 / at_once)
    shared = total.times(1 / at_once)
    return SecondsRange(
        max(shared.low, min(longest.low, total.low)),
        max(shared.middle + waiting.middle / 2, min(longest.middle, total.middle)),
        shared.high + waiting.high,
    )
