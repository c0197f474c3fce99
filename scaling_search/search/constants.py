"""What a search concludes: a point, its interval, and every candidate that ties with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.jobs.failure_summary import commonest_failure
from scaling_search.search.candidates import Candidate
from scaling_search.search.curve_kernel import Level
from scaling_search.search.intervals import Bounds
from scaling_search.search.resources import RESOURCES, Meter, meter_of
from scaling_search.search.search import Search
from scaling_search.search.shares import coverage
from scaling_search.search.space import Budget
from scaling_search.search.verdict import Verdict, regret_after_an_hour, verdict

# How far the family is followed.
FOLLOWED_PHIS = (1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Constants:
    """The answer of a search.

    `coefficients` is the point; `alpha`, `beta` and `gamma` are the intervals that give the winning
    network itself at φ = 1; `verdict` says how sure that is for networks of `target_phi`, and
    `after_an_hour_points` what the expected regret would be after another hour of training. There
    were `candidates` distinct networks, which cover `coverage` of the simplex of shares (a part of
    1); `trained` of them got trained, `finalists` in full at the φ of the answer, the winner from
    `seeds` seeds there.
    """

    coefficients: Coefficients
    alpha: Bounds
    beta: Bounds
    gamma: Bounds
    verdict: Verdict
    after_an_hour_points: float
    target_phi: float
    candidates: int
    coverage: float
    trained: int
    finalists: int
    seeds: int

    @property
    def ties(self) -> tuple[str, ...]:
        """The winner and the candidates that the evidence can't tell from it."""
        return self.verdict.ties

    @property
    def chances(self) -> Mapping[str, float]:
        """Each judged candidate's probability of being the best of all."""
        return self.verdict.chances

    @property
    def p_best(self) -> float:
        """How probable it is that the winner is the best of all."""
        return self.chances[self.ties[0]]


def conclude(
    base: Network, budget: Budget, search: Search, meter: Meter | None = None
) -> Constants:
    """The constants that a finished search stands for; `meter` as for `steadiest`.

    Raises UserError when every finalist failed.
    """
    answer, reached = verdict(search), search.reached()
    if answer is None:
        raise UserError(
            "a search needs one finalist that trains to the end, got 0 of "
            f"{len(reached[-1])}: {commonest_failure(result for *_, result in search.results())}"
        )
    numbers = {candidate.name: number for number, candidate in enumerate(search.pool)}
    winner = search.pool[numbers[answer.ties[0]]]
    in_full = {group.candidate: group for group in search.groups() if group.level == Level()}
    return Constants(
        coefficients=steadiest(base, budget, winner, meter),
        alpha=winner.alpha,
        beta=winner.beta,
        gamma=winner.gamma,
        verdict=answer,
        after_an_hour_points=regret_after_an_hour(search),
        target_phi=search.plan.target_phi,
        candidates=len(search.pool),
        coverage=coverage([candidate.shares for candidate in search.pool]),
        trained=len(set().union(*reached)),
        finalists=len(in_full),
        seeds=len(in_full[number].scores) if (number := numbers[answer.ties[0]]) in in_full else 0,
    )


# A run asks when its search ends, and for its report.
@lru_cache(maxsize=1 << 4)
def steadiest(
    base: Network, budget: Budget, winner: Candidate, meter: Meter | None = None
) -> Coefficients:
    """The point that makes the winner and whose family follows growth^φ most closely.

    `meter` reads the budget's resource (None: `meter_of(budget)`). Nobody times the hundreds of
    networks that these families have: under a latency budget they follow the winner's own growth
    in MACs.

    Examples:
        >>> from scaling_search import Budget, candidates, scale
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.constants import steadiest
        >>> micro, budget = zoo.get("micro"), Budget(growth=2.0)
        >>> winner = candidates(micro, budget)[0]
        >>> point = steadiest(micro, budget, winner)
        >>> winner.gamma, point.gamma, scale(micro, point.at(1.0)) == winner.architecture
        ((1.3125, 1.3541), 1.3125, True)
    """
    growth, read, kind = budget.growth, meter or meter_of(budget), RESOURCES[budget.resource]
    if kind.is_timed:
        growth, read = winner.cost.macs / count(base).macs, meter_of(Budget("macs"))
    spans = (winner.alpha, winner.beta, winner.gamma)
    axes = [np.linspace(a, b, kind.points_per_axis if b > a else 1) for a, b in spans]
    points = [Coefficients(*(round(float(x), 4) for x in point)) for point in product(*axes)]
    allowed = [point for point in points if _keeps(base, budget, winner, point)]
    return min(
        [winner.coefficients, *allowed], key=lambda point: _wandering(base, read, growth, point)
    )


def _keeps(base: Network, budget: Budget, winner: Candidate, point: Coefficients) -> bool:
    off = abs(point.nominal_growth - budget.growth)
    nominal = budget.constraint == "nominal"
    return (not nominal or off <= budget.tolerance) and (
        scale(base, point.at(1.0)) == winner.architecture
    )


def _wandering(base: Network, read: Meter, growth: float, point: Coefficients) -> float:
    """Root mean square of log2(real growth / growth^φ) over φ = 1, 2, 3."""
    base_cost = read(base)
    return math.sqrt(
        sum(
            math.log2(read(scale(base, point.at(phi))) / base_cost / growth**phi) ** 2
            for phi in FOLLOWED_PHIS
        )
        / len(FOLLOWED_PHIS)
    )
