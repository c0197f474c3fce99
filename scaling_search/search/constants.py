"""What a search concludes: a point, its interval, and every candidate that ties with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.cost.analytic import count
from scaling_search.errors import UserError
from scaling_search.jobs.job import Finished
from scaling_search.search.candidates import Candidate, Interval
from scaling_search.search.halving import Find, Make, Plan, Step, trainings
from scaling_search.search.space import Budget
from scaling_search.statistics import p_best, ties

# Points tried along each axis of the winner's box, and how far the family is followed.
TRIED_PER_AXIS = 9
FOLLOWED_PHIS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Constants:
    """The answer of a search.

    `coefficients` is the point; `alpha`, `beta` and `gamma` are the intervals that give the winning
    network itself at φ = 1; `ties` names the candidates that the evidence can't tell from the best
    (the best is the first of them) and `p_best` is the bootstrap's probability that the first one
    is the best of the finalists. `candidates` were distinct, `trained` of them got trained and
    `finalists` reached the last rung, each with `seeds` trainings.
    """

    coefficients: Coefficients
    alpha: Interval
    beta: Interval
    gamma: Interval
    ties: tuple[str, ...]
    p_best: float
    candidates: int
    trained: int
    finalists: int
    seeds: int


def conclude(
    base: Network,
    budget: Budget,
    plan: Plan,
    pool: Sequence[Candidate],
    step: Step,
    make: Make,
    find: Find,
) -> Constants:
    """The constants that a finished search stands for.

    Raises UserError when every finalist failed.
    """
    samples = finalists(plan, pool, step, make, find)
    if not samples:
        raise UserError(
            f"a search needs one finalist that trains to the end, got 0 of {len(step.rungs[-1])}: "
            "lower the learning rate or the batch size"
        )
    tied = ties(samples)
    winner = next(candidate for candidate in pool if candidate.name == tied[0])
    chances = p_best({name: list(by.values()) for name, by in samples.items()}, plan.seed)
    return Constants(
        coefficients=steadiest(base, budget, winner),
        alpha=winner.alpha,
        beta=winner.beta,
        gamma=winner.gamma,
        ties=tied,
        p_best=chances[winner.name],
        candidates=len(pool),
        trained=len(step.rungs[0]),
        finalists=len(step.rungs[-1]),
        seeds=plan.rungs[-1].seeds,
    )


def finalists(
    plan: Plan, pool: Sequence[Candidate], step: Step, make: Make, find: Find
) -> dict[str, Mapping[int, float]]:
    """Validation top-1 by seed of each candidate of the last rung, all of whose seeds finished."""
    samples: dict[str, Mapping[int, float]] = {}
    for index in step.rungs[-1]:
        jobs = trainings(plan.rungs[-1], pool[index], make)
        results = [(job.seed, find(job)) for job in jobs]
        by = {seed: r.validation_top1 for seed, r in results if isinstance(r, Finished)}
        if len(by) == len(jobs):
            samples[pool[index].name] = by
    return samples


def steadiest(base: Network, budget: Budget, winner: Candidate) -> Coefficients:
    """The point that makes the winner and whose family follows growth^φ most closely."""
    spans = (winner.alpha, winner.beta, winner.gamma)
    axes = [np.linspace(low, high, TRIED_PER_AXIS if high > low else 1) for low, high in spans]
    points = [Coefficients(*(round(float(x), 4) for x in point)) for point in product(*axes)]
    allowed = [point for point in points if _keeps(base, budget, winner, point)]
    return min([winner.coefficients, *allowed], key=lambda point: _wandering(base, budget, point))


def _keeps(base: Network, budget: Budget, winner: Candidate, point: Coefficients) -> bool:
    off = abs(point.nominal_growth - budget.growth)
    nominal = budget.constraint == "nominal"
    return (not nominal or off <= budget.tolerance) and (
        scale(base, point.at(1.0)) == winner.architecture
    )


def _wandering(base: Network, budget: Budget, point: Coefficients) -> float:
    """Root mean square of log2(real growth / growth^φ) over φ = 1, 2, 3."""
    base_cost = budget.of(count(base))
    return math.sqrt(
        sum(
            math.log2(budget.of(count(scale(base, point.at(phi)))) / base_cost / budget.growth**phi)
            ** 2
            for phi in FOLLOWED_PHIS
        )
        / len(FOLLOWED_PHIS)
    )
