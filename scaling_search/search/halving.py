"""The search itself: proposals, rungs of successive halving, and the trainings still missing.

A pure function of the plan, the candidates and what the ledger holds; asked again after every
batch of results, it needs no state of its own and goes on after any interruption.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from scaling_search.errors import require
from scaling_search.jobs.job import Finished, Result, TrainJob
from scaling_search.search.candidates import Candidate
from scaling_search.search.strategies import STRATEGIES, StrategyName, Told

Make = Callable[[Candidate, int, int], TrainJob]
"""The job that trains a candidate for so many epochs from a seed."""
Find = Callable[[TrainJob], Result | None]
"""The result of a job, or None while it is missing."""


@dataclass(frozen=True)
class Rung:
    """Train each candidate of this rung for `epochs` from `seeds` seeds; `keep` of them go on."""

    epochs: int
    seeds: int = 1
    keep: float = 0.5

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.epochs >= 1, "a rung needs at least 1 epoch", self.epochs)
        require(self.seeds >= 1, "a rung needs at least 1 seed", self.seeds)
        require(0 < self.keep <= 1, "keep must lie in (0, 1]", self.keep)


@dataclass(frozen=True)
class Plan:
    """How a search goes: the strategy, how many candidates it tries (None: all), its rungs.

    `batch` candidates are proposed at a time; it belongs to the plan and not to the machine, so
    that the proposals don't depend on the number of workers. Seeds are 0, 1, … in every rung; a
    longer rung goes on from the shorter one's checkpoint of the same seed.
    """

    strategy: StrategyName = "grid"
    trials: int | None = None
    batch: int = 2
    seed: int = 0
    rungs: tuple[Rung, ...] = (Rung(3, 1), Rung(8, 3))

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        trials = self.trials
        require(trials is None or trials >= 1, "a search needs at least 1 trial", trials)
        require(self.batch >= 1, "batch must be at least 1", self.batch)
        require(len(self.rungs) >= 1, "a search needs at least one rung", self.rungs)
        epochs = [rung.epochs for rung in self.rungs]
        rising = all(a < b for a, b in pairwise(epochs))
        require(rising, "each rung must be longer than the one before", epochs)


@dataclass(frozen=True)
class Step:
    """Where a search stands: the candidates of each rung so far, and the jobs it waits for."""

    rungs: tuple[tuple[int, ...], ...]
    missing: tuple[TrainJob, ...]

    @property
    def done(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def advance(plan: Plan, pool: Sequence[Candidate], make: Make, find: Find) -> Step:
    """How far the results reach, and which trainings come next."""
    first, missing = _propose(plan, pool, make, find)
    reached = [first]
    for rung, longer in pairwise(plan.rungs):
        if missing:
            break
        chosen = promoted(rung, pool, reached[-1], make, find)
        reached.append(chosen)
        jobs = [job for index in chosen for job in trainings(longer, pool[index], make)]
        missing = [job for job in jobs if find(job) is None]
    return Step(tuple(tuple(rung) for rung in reached), tuple(missing))


def trainings(rung: Rung, candidate: Candidate, make: Make) -> list[TrainJob]:
    """A candidate's jobs at a rung, one a seed."""
    return [make(candidate, rung.epochs, seed) for seed in range(rung.seeds)]


def promoted(
    rung: Rung, pool: Sequence[Candidate], tried: Sequence[int], make: Make, find: Find
) -> list[int]:
    """The better part of a finished rung, best first: at least one, and none that failed."""
    scores = {index: score(rung, pool[index], make, find) for index in tried}
    alive = [index for index in tried if math.isfinite(scores[index] or 0.0)]
    ranked = sorted(alive, key=lambda index: -(scores[index] or 0.0))
    return ranked[: max(1, math.ceil(rung.keep * len(tried)))]


def score(rung: Rung, candidate: Candidate, make: Make, find: Find) -> float | None:
    """The mean validation top-1 at a rung; -inf when a training failed, None while one lacks."""
    results = [find(job) for job in trainings(rung, candidate, make)]
    if any(result is None for result in results):
        return None
    if not all(isinstance(result, Finished) for result in results):
        return -math.inf
    values = [r.validation_top1 for r in results if isinstance(r, Finished)]
    return sum(values) / len(values)


def _propose(
    plan: Plan, pool: Sequence[Candidate], make: Make, find: Find
) -> tuple[list[int], list[TrainJob]]:
    """Replay the proposals from the first; stop at the batch that lacks a result."""
    wanted = min(plan.trials or len(pool), len(pool))
    # The grid's proposals depend on nothing, so all can be trained at once.
    batch = wanted if plan.strategy == "grid" else plan.batch
    told: list[Told] = []
    missing: list[TrainJob] = []
    while len(told) < wanted and not missing:
        asked: list[Told] = []
        for _ in range(min(batch, wanted - len(told))):
            index = STRATEGIES[plan.strategy](pool, [*told, *asked], plan.seed)
            asked.append(Told(index, None))
        for one in asked:
            rung = plan.rungs[0]
            told.append(Told(one.index, score(rung, pool[one.index], make, find)))
            jobs = trainings(rung, pool[one.index], make)
            missing += [job for job in jobs if find(job) is None]
    return [one.index for one in told], missing
