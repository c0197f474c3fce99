"""The search itself: proposals, rungs of successive halving, and the trainings still missing.

A pure function of the plan, the candidates and what the ledger holds; asked again after every
result, it needs no state of its own and goes on after any interruption. What it remembers between
two calls are strategies' answers, which are pure functions as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from scaling_search.errors import require
from scaling_search.jobs.job import Finished, Result, TrainJob
from scaling_search.search.candidates import Candidate
from scaling_search.search.pareto import ranks
from scaling_search.search.space import Resource
from scaling_search.search.strategies import (
    INDEPENDENT,
    STRATEGIES,
    TWO_OBJECTIVES,
    StrategyName,
    Told,
)

Make = Callable[[Candidate, int, int], TrainJob]
"""The job that trains a candidate for so many epochs from a seed."""
Find = Callable[[TrainJob], Result | None]
"""The result of a job, or None while it is missing."""

MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Rung:
    """Train each candidate of this rung for `epochs` from `seeds` seeds; `keep` of them go on.

    The seeds are `first_seed`, `first_seed` + 1, …: a last rung of seeds by which nobody was
    chosen before judges the finalists without the luck that brought them there.
    """

    epochs: int
    seeds: int = 1
    keep: float = 0.5
    first_seed: int = 0

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.epochs >= 1, "a rung needs at least 1 epoch", self.epochs)
        require(self.seeds >= 1, "a rung needs at least 1 seed", self.seeds)
        require(self.seeds <= MOST_SEEDS, f"a rung has at most {MOST_SEEDS} seeds", self.seeds)
        require(0 < self.keep <= 1, "keep must lie in (0, 1]", self.keep)
        require(self.first_seed >= 0, "first_seed must be 0 or more", self.first_seed)


@dataclass(frozen=True)
class Plan:
    """How a search goes: the strategy, how many candidates it tries (None: all), its rungs.

    `batch` candidates are proposed at a time; it belongs to the plan and not to the machine, so
    that the proposals don't depend on the number of workers. A longer rung goes on from the
    shorter one's checkpoint of the same seed.

    `asynchronous`: a candidate goes on as soon as it is among the better part of those that have
    ended its rung so far, instead of when all have (ASHA: Li et al., A System for Massively
    Parallel Hyperparameter Tuning, 2020, algorithm 2). No worker then waits for the slowest of a
    rung, and a few candidates more are trained in full. Once all have ended, those whom
    synchronous halving would promote have been promoted too.

    `second` is a second objective beside accuracy, as little as possible of a resource: then
    those go on that fewest others beat in both, the more accurate first.
    """

    strategy: StrategyName = "grid"
    trials: int | None = None
    batch: int = 2
    seed: int = 0
    asynchronous: bool = False
    second: Resource | None = None
    rungs: tuple[Rung, ...] = (Rung(3, 1), Rung(8, 3))

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        trials = self.trials
        require(trials is None or trials >= 1, "a search needs at least 1 trial", trials)
        require(self.batch >= 1, "batch must be at least 1", self.batch)
        require(0 <= self.seed < 2**32, "the search's seed must lie in [0, 2^32)", self.seed)
        rule = f"strategy {self.strategy!r} weighs two objectives and needs second"
        weighed = self.second is not None or self.strategy not in TWO_OBJECTIVES
        require(weighed, rule, self.second, 'set second = "activations" or another resource')
        require(len(self.rungs) >= 1, "a search needs at least one rung", self.rungs)
        lengths = [(rung.epochs, rung.first_seed) for rung in self.rungs]
        # Lengths rise, or stay for seeds that are new.
        rising = all(a < b and a[0] <= b[0] for a, b in pairwise(lengths))
        epochs = [rung.epochs for rung in self.rungs]
        rule = "each rung must be longer than the one before, or as long with a higher first_seed"
        require(rising, rule, epochs)


@dataclass(frozen=True)
class Step:
    """Where a search stands: the candidates of each rung so far, and the jobs it waits for.

    `missing` begins with what is most wanted: trainings of the longest rung.
    """

    rungs: tuple[tuple[int, ...], ...]
    missing: tuple[TrainJob, ...]

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, eq=False)
class Search:
    """A plan over a pool of candidates, how a candidate's training is made a job, and one ledger.

    `costs` is each candidate's second objective, where the plan has one.
    """

    plan: Plan
    pool: Sequence[Candidate]
    make: Make
    costs: Sequence[float] | None = None
    _jobs: dict[tuple[int, int], list[TrainJob]] = field(default_factory=dict, repr=False)
    _asked: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)
    _scores: dict[tuple[int, int], float] = field(default_factory=dict, repr=False)
    _settled: list[tuple[Told, int]] = field(default_factory=list, repr=False)

    def step(self, find: Find) -> Step:
        """How far the results reach, and which trainings come next."""
        first, missing = self._propose(find)
        reached, all_in = [first], not missing
        for rung in range(len(self.plan.rungs) - 1):
            if missing and not self.plan.asynchronous:
                break
            chosen = self._going_on(rung, reached[-1], all_in, find)
            reached.append(chosen)
            lacking = [job for index in chosen for job in self._lacking(rung + 1, index, find)]
            missing, all_in = lacking + missing, all_in and not lacking
        return Step(tuple(tuple(rung) for rung in reached), tuple(missing))

    def jobs(self, rung: int, index: int) -> list[TrainJob]:
        """The trainings of candidate `index` at rung number `rung`, one a seed."""
        key = (rung, index)
        if key not in self._jobs:
            self._jobs[key] = trainings(self.plan.rungs[rung], self.pool[index], self.make)
        return self._jobs[key]

    def score(self, rung: int, index: int, find: Find) -> float | None:
        """The mean validation top-1 at a rung; -inf: a training failed, None: one is missing."""
        key = (rung, index)
        if key not in self._scores:
            mean = _mean([find(job) for job in self.jobs(rung, index)])
            if mean is None:
                return None
            self._scores[key] = mean  # a result never changes
        return self._scores[key]

    def _lacking(self, rung: int, index: int, find: Find) -> list[TrainJob]:
        if self.score(rung, index, find) is not None:
            return []
        return [job for job in self.jobs(rung, index) if find(job) is None]

    def _going_on(self, rung: int, tried: Sequence[int], all_in: bool, find: Find) -> list[int]:
        """Who goes on from a rung, best first: the better part of it, and who went on before."""
        scores = {i: s for i in tried if (s := self.score(rung, i, find)) is not None}
        keep = self.plan.rungs[rung].keep
        # The better part of a rung that still grows is rounded down: more may come (ASHA).
        share = max(1, math.ceil(keep * len(tried))) if all_in else int(keep * len(scores))
        better = self._ranked(scores)[:share]
        if not self.plan.asynchronous:
            return better
        chosen = set(better)
        others = (i for i in tried if i not in chosen)
        return better + [i for i in others if any(map(find, self.jobs(rung + 1, i)))]

    def _ranked(self, scores: Mapping[int, float]) -> list[int]:
        """Those that did not fail, the best first."""
        alive = sorted((i for i in scores if math.isfinite(scores[i])), key=lambda i: -scores[i])
        if self.plan.second is None:
            return alive
        beaten = ranks([(scores[i], self._cost(i) or 0.0) for i in alive])
        return [i for _, i in sorted(zip(beaten, alive, strict=True), key=lambda pair: pair[0])]

    def _cost(self, index: int) -> float | None:
        return None if self.plan.second is None or not self.costs else self.costs[index]

    def _propose(self, find: Find) -> tuple[list[int], list[TrainJob]]:
        """Replay the proposals; stop at the batch that lacks a result.

        Batches that lack none are settled: each proposal with what stands for all up to it.
        """
        wanted = min(self.plan.trials or len(self.pool), len(self.pool))
        batch = wanted if self.plan.strategy in INDEPENDENT else self.plan.batch
        told = [one for one, _ in self._settled]
        missing: list[TrainJob] = []
        past = self._settled[-1][1] if self._settled else 0
        while len(told) < wanted and not missing:
            latest = []
            for index in self._ask(told, past, min(batch, wanted - len(told))):
                told.append(Told(index, self.score(0, index, find), self._cost(index)))
                past = hash((past, told[-1]))
                latest.append((told[-1], past))
                missing += self._lacking(0, index, find)
            self._settled.extend([] if missing else latest)
        return [one.index for one in told], missing

    def _ask(self, told: Sequence[Told], past: int, number: int) -> tuple[int, ...]:
        """The next proposals; `past` stands for all that was told."""
        if past not in self._asked:
            asked: list[Told] = []
            for _ in range(number):
                strategy = STRATEGIES[self.plan.strategy]
                asked.append(Told(strategy(self.pool, [*told, *asked], self.plan.seed), None))
            self._asked[past] = tuple(one.index for one in asked)
        return self._asked[past]


def trainings(rung: Rung, candidate: Candidate, make: Make) -> list[TrainJob]:
    """A candidate's jobs at a rung, one a seed."""
    seeds = range(rung.first_seed, rung.first_seed + rung.seeds)
    return [make(candidate, rung.epochs, seed) for seed in seeds]


def _mean(results: Sequence[Result | None]) -> float | None:
    if any(result is None for result in results):
        return None
    if not all(isinstance(result, Finished) for result in results):
        return -math.inf
    values = [r.validation_top1 for r in results if isinstance(r, Finished)]
    return sum(values) / len(values)
