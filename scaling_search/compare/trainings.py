"""The comparison as jobs: every network from every seed, at every rate that is checked.

Each network is compared at one rate, the best by its validation loss. Only trainings at the
recipe's own rate and at the best one read the test split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol

from scaling_search.arch.protocol import Network
from scaling_search.compare.family import Member
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from scaling_search.search.search import Find

OWN_RATE = 1.0
"""The recipe's learning rate as a multiple of itself."""


class MakeComparisonJob(Protocol):
    """The training of a network at a φ from a seed, at a multiple of the recipe's rate."""

    def __call__(
        self, network: Network, seed: int, phi: float, rate: float, reads_test: bool
    ) -> TrainJob:
        """Make it."""


@dataclass(frozen=True)
class RateTrial:
    """What came of a network at one multiple of the recipe's rate; losses and accuracies are means
    over the seeds that finished, nan where none did.
    """

    rate: float
    learning_rate: float
    n: int
    failed: int
    validation_loss: float
    validation_top1: float


@dataclass(frozen=True)
class Trainings:
    """All trainings of a comparison, as a pure function of what the ledger holds."""

    members: Sequence[Member]
    seeds: range
    make: MakeComparisonJob
    find: Find
    rates: tuple[float, ...] = (OWN_RATE,)

    def first(self) -> list[TrainJob]:
        """Those that can be asked for at once; a network that two methods share is trained once."""
        jobs = [
            self.job(member, seed, rate, reads_test=rate == OWN_RATE)
            for member in self.members
            for rate in self.rates
            for seed in self.seeds
        ]
        return _each_once(jobs)

    def scored(self) -> list[TrainJob]:
        """Those that are compared, each network at its best rate as far as that is known."""
        return _each_once([job for member in self.members for job in self.compared(member)])

    def compared(self, member: Member) -> list[TrainJob]:
        """The trainings of a network that are compared: those at its best rate."""
        rate = self.best_rate(member)
        return [self.job(member, seed, rate, reads_test=True) for seed in self.seeds]

    def best_rate(self, member: Member) -> float:
        """The rate of least validation loss; where trainings failed, of those with fewest failures.

        The recipe's own until anything has finished.
        """
        finished_trials = [tried for tried in self.tried(member) if tried.n]
        best = min(
            finished_trials, key=lambda each: (each.failed, each.validation_loss), default=None
        )
        return OWN_RATE if best is None else best.rate

    def tried(self, member: Member) -> list[RateTrial]:
        """What came of the network at each rate."""
        return [self._tried(member, rate) for rate in self.rates]

    def at_own_rate(self) -> Trainings:
        """The comparison without a check of rates."""
        return Trainings(self.members, self.seeds, self.make, self.find)

    def job(self, member: Member, seed: int, rate: float, *, reads_test: bool) -> TrainJob:
        """One training."""
        return self.make(member.architecture, seed, member.phi, rate, reads_test)

    def _tried(self, member: Member, rate: float) -> RateTrial:
        reads_test = rate == OWN_RATE
        jobs = [self.job(member, seed, rate, reads_test=reads_test) for seed in self.seeds]
        results = [result for job in jobs if (result := self.find(job)) is not None]
        scores = [result.validation for result in results if isinstance(result, Finished)]
        return RateTrial(
            rate=rate,
            learning_rate=jobs[0].recipe.learning_rate,
            n=len(scores),
            failed=len(results) - len(scores),
            validation_loss=_mean([score.loss for score in scores]),
            validation_top1=_mean([score.top1 for score in scores]),
        )


def _each_once(jobs: Sequence[TrainJob]) -> list[TrainJob]:
    return list({job.hash: job for job in jobs}.values())


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else float("nan")
