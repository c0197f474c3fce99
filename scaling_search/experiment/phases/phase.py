"""A phase of a run as a value: what it asks for, what is left of that, who brings it to its end."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scaling_search.compare.family import Member
from scaling_search.experiment.remaining_work import Portion, RemainingWork, work_in
from scaling_search.experiment.run_state import RunState, by_macs
from scaling_search.experiment.runner import Runner
from scaling_search.experiment.study import Study
from scaling_search.experiment.time_limit import note_limit
from scaling_search.jobs.job import TrainJob
from scaling_search.search.constants import Constants
from scaling_search.search.resources import UntimedError
from scaling_search.search.search import Find, Search


@dataclass(frozen=True)
class PlannedPhase:
    """What a phase asks for: trainings of how many networks, how many have a result, what is left.

    At least the part `least` of what is left is trained, and no more than takes `most_seconds` of
    all workers together.
    """

    name: str
    networks: int
    trainings: int
    done: int
    left: tuple[Portion, ...]
    least: float = 1.0
    most_seconds: float = math.inf


def planned_phase(
    name: str, jobs: Iterable[TrainJob], find: Find, share: float = 1.0
) -> PlannedPhase:
    """The phase that asks for known trainings."""
    distinct = {job.hash: job for job in jobs}
    left = tuple(Portion(job, 1.0, share) for job in distinct.values() if find(job) is None)
    networks = count_networks(distinct.values())
    return PlannedPhase(name, networks, len(distinct), len(distinct) - len(left), left)


def count_networks(jobs: Iterable[TrainJob]) -> int:
    """How many distinct networks these trainings train."""
    return len({job.architecture.fingerprint for job in jobs})


@dataclass(frozen=True)
class Run:
    """A run that goes on: what gets jobs done in `out`, and what its phases have come to so far."""

    runner: Runner
    out: Path
    search: Search | None = None
    constants: Constants | None = None
    members: tuple[Member, ...] = ()

    def note_limit(self) -> None:
        """Write down that a limit of hours has left something out, if it has."""
        limit = self.runner.limit
        if limit is not None and limit.left_out:
            note_limit(self.out, limit)


class Phase(ABC):
    """A phase; it keeps nothing of its own, for what it has done is in the ledger.

    `is_search`: it belongs to the search, which is left out where constants are given; the others
    are left out where the search alone is asked for. A limit of hours keeps time for `is_kept`.
    """

    is_search = False
    is_kept = False

    @abstractmethod
    def jobs(self, state: RunState) -> Iterable[TrainJob]:
        """The trainings that it asks for, as far as results reach; may raise UntimedError."""

    @abstractmethod
    def planned(self, state: RunState) -> Iterable[PlannedPhase]:
        """What it asks for and what is left of that, estimated where results are to come.

        Raises UntimedError as `Experiment` does.
        """

    @abstractmethod
    def unfinished(self, state: RunState) -> Iterable[str]:
        """What it has yet to do, in words."""

    @abstractmethod
    def advance(self, run: Run, later: Later) -> Run:
        """Bring it to its end, `later` being the phases after it."""

    def extra_seconds(self, study: Study) -> float:  # noqa: ARG002
        """What it takes beside trainings."""
        return 0.0


@dataclass(frozen=True)
class Later:
    """The phases that follow one."""

    phases: Sequence[Phase]

    def work(self, runner: Runner) -> RemainingWork:
        """What they are expected to train.

        While latencies are not measured, networks of equal MACs stand in.
        """
        state = RunState(runner.experiment, runner.ledger.get)
        return sum((self._work_of(phase, state) for phase in self.phases), RemainingWork())

    @staticmethod
    def _work_of(phase: Phase, state: RunState) -> RemainingWork:
        try:
            planned = list(phase.planned(state))
        except UntimedError:
            planned = list(phase.planned(RunState(by_macs(state.experiment), state.find)))
        return work_in(portion for each in planned for portion in each.left)

    def seconds(self, runner: Runner) -> Callable[[], float]:
        """How long those are expected to take for which a limit of hours keeps time.

        As much as may be kept while latencies are not measured.
        """
        limit, experiment, find = runner.limit, runner.experiment, runner.ledger.get
        if limit is None:
            return lambda: 0.0
        with suppress(UntimedError):
            jobs = list(self._kept_jobs(RunState(experiment, find)))
            extra = sum(phase.extra_seconds(experiment.study) for phase in self.phases)
            return lambda: (
                extra + limit.needed([job for job in jobs if find(job) is None], experiment.info)
            )
        return lambda: math.inf

    def _kept_jobs(self, state: RunState) -> Iterator[TrainJob]:
        for phase in self.phases:
            for planned in phase.planned(state) if phase.is_kept else ():
                yield from (portion.job for portion in planned.left if portion.share)
