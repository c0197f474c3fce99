"""Two objectives, accuracy up and cost down: which points no other beats, and how good a front is.

A point is (accuracy, cost). It dominates another when it is no worse in both and better in one, so
two equal points never dominate each other. Optuna holds the same for any number of objectives, but
in modules that it keeps to itself; for two a sort is enough.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from scaling_search.core.errors import require

CostAndScore = tuple[float, float]
"""(accuracy, cost): the first is better when larger, the second when smaller."""


def front_ranks(points: Sequence[CostAndScore]) -> list[int]:
    """Each point's rank: 0 on the front, 1 on the front of the rest, and so on (Deb et al., 2002).

    Equal points have the same rank. Raises UserError for a point with nan.

    Examples:
        >>> from scaling_search.search.pareto import front_ranks
        >>> front_ranks([(0.76, 4.1), (0.77, 0.4), (0.79, 0.7), (0.72, 0.3)])
        [1, 0, 0, 0]
    """
    _require_numbers(points)
    rank: dict[CostAndScore, int] = {}
    # The highest accuracy of each front so far, negated, so that they rise from front to front.
    tops: list[float] = []
    for accuracy, cost in sorted(set(points), key=lambda point: (point[1], -point[0])):
        # All points so far are no dearer: a front beats this one where it reaches its accuracy.
        front = bisect_right(tops, -accuracy)
        tops[front : front + 1] = [-accuracy]
        rank[accuracy, cost] = front
    return [rank[point] for point in points]


def front(points: Sequence[CostAndScore]) -> list[int]:
    """The indices of the points that none dominates, the cheapest first; equal ones all stay.

    Examples:
        >>> from scaling_search.search.pareto import front
        >>> front([(0.76, 4.1), (0.77, 0.4), (0.79, 0.7), (0.72, 0.3)])
        [3, 1, 2]
    """
    best = [index for index, rank in enumerate(front_ranks(points)) if rank == 0]
    return sorted(best, key=lambda index: points[index][1])


def hypervolume(points: Sequence[CostAndScore], reference: CostAndScore) -> float:
    """The area that the points dominate and that lies within the reference, exactly.

    `reference` is the worst that still counts: points of no higher accuracy or no lower cost add
    nothing. The unit is accuracy × cost; only with one reference are two hypervolumes comparable.
    Raises UserError for a point with nan.

    Examples:
        >>> from scaling_search.search.pareto import hypervolume
        >>> hypervolume([(3.0, 1.0), (5.0, 2.0)], reference=(0.0, 4.0))
        13.0
    """
    _require_numbers(points)
    least, most = reference
    within = [point for point in points if point[0] > least and point[1] < most]
    area, reached = 0.0, least
    for index in front(within):
        accuracy, cost = within[index]
        area += (accuracy - reached) * (most - cost)
        reached = accuracy
    return area


def _require_numbers(points: Sequence[CostAndScore]) -> None:
    for point in points:
        require(not any(map(math.isnan, point)), "an objective must be a number", point)
