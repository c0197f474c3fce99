"""A search as far as its results reach: which candidates are tried, and which trainings come next.

A pure function of the plan, the candidates and what the ledger holds; asked again after every
result, it needs no state of its own and goes on after any interruption. What it remembers between
two calls are answers of pure functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field

from scaling_search.arch.protocol import Network
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.candidates import Candidate
from scaling_search.search.measurement import SeedGroup
from scaling_search.search.plan import SearchPlan

MakeJob = Callable[[Network, int, int, float], TrainJob]
"""The job that trains a network for so many epochs from a seed, as one of this φ."""
Find = Callable[[TrainJob], Result | None]
"""The result of a job, or None while it is missing."""
Grow = Callable[[Candidate, float], Network]
"""The network that a candidate's constants make at a φ."""


def ungrown(candidate: Candidate, phi: float) -> Network:
    """The candidate's own network, which is that of φ = 1."""
    assert phi == 1.0, phi  # noqa: S101 (whoever has other rungs says how candidates grow)
    return candidate.architecture


@dataclass(frozen=True)
class SearchState:
    """Where a search stands: the candidates of each rung so far, and the jobs it waits for.

    `missing` begins with what is most wanted. A search whose next training hangs on the result of
    another knows only the next. `spent_in_full` is what it has cost, in trainings of the median
    candidate in full, where that is what ends it.
    """

    rungs: tuple[tuple[int, ...], ...]
    missing: tuple[TrainJob, ...]
    spent_in_full: float = 0.0

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, eq=False)
class Search(ABC):
    """A plan over a pool of candidates, how a training is made a job, and the results there are.

    `costs` is each candidate's second objective, where the plan has one.
    """

    plan: SearchPlan
    pool: Sequence[Candidate]
    make: MakeJob
    find: Find
    costs: Sequence[float] | None = None
    grow: Grow = ungrown
    _jobs: dict[tuple[int, int, int], TrainJob] = field(default_factory=dict, repr=False)

    @abstractmethod
    def state(self) -> SearchState:
        """How far the results reach, and which trainings come next."""

    @abstractmethod
    def reached(self) -> tuple[tuple[int, ...], ...]:
        """The candidates of each rung so far."""

    @abstractmethod
    def next_job(self, begun: Container[str]) -> TrainJob | None:
        """The training to start next beside those begun (by hash); None while there is none."""

    @abstractmethod
    def jobs(self, rung: int, index: int) -> list[TrainJob]:
        """The trainings of candidate `index` at rung number `rung` that are asked for so far."""

    def job(self, rung: int, index: int, seed: int) -> TrainJob:
        """The training of a candidate at a rung from one seed, made and hashed once."""
        key = (rung, index, seed)
        if key not in self._jobs:
            rung_plan = self.plan.rungs[rung]
            network = self.grow(self.pool[index], rung_plan.phi)
            self._jobs[key] = self.make(network, rung_plan.epochs, seed, rung_plan.phi)
        return self._jobs[key]

    def results(self) -> Iterator[tuple[int, int, TrainJob, Result]]:
        """Rung, candidate, job and result of every training of the search that has ended."""
        for rung, candidates in enumerate(self.reached()):
            for index in candidates:
                for job in self.jobs(rung, index):
                    result = self.find(job)
                    if result is not None:
                        yield rung, index, job, result

    def groups(self) -> list[SeedGroup]:
        """The finished trainings by candidate and level; of two rungs alike, together."""
        seed_groups: dict[tuple[int, int], SeedGroup] = {}
        first = {self.plan.level(rung): n for n, rung in reversed([*enumerate(self.plan.rungs)])}
        for rung, index, job, result in self.results():
            if isinstance(result, Finished):
                level = self.plan.level(self.plan.rungs[rung])
                group = seed_groups.setdefault((index, first[level]), SeedGroup(index, level, {}))
                seed_groups[index, first[level]] = group.with_seed(job.seed, result.validation)
        return list(seed_groups.values())

    def failed(self) -> set[int]:
        """The candidates of which a training failed."""
        return {index for _, index, _, r in self.results() if not isinstance(r, Finished)}
