"""Fronts, ranks and areas, computed by hand."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_search.core.errors import UserError
from scaling_search.search.pareto import CostAndScore, front, front_ranks, hypervolume

# (accuracy, cost): A, B and C make the front, D is behind B alone, E behind D as well.
A, B, C, D, E = (0.2, 1.0), (0.5, 2.0), (0.9, 4.0), (0.4, 3.0), (0.4, 3.5)
POINTS = [C, E, A, D, B]

numbers = st.integers(0, 6).map(float)
clouds = st.lists(st.tuples(numbers, numbers), max_size=12)


def dominates(one: CostAndScore, other: CostAndScore) -> bool:
    return one[0] >= other[0] and one[1] <= other[1] and one != other


def test_the_front_runs_from_the_cheapest_to_the_most_accurate() -> None:
    assert [POINTS[index] for index in front(POINTS)] == [A, B, C]


def test_ranks_count_the_fronts_before_a_point() -> None:
    assert front_ranks(POINTS) == [0, 2, 0, 1, 0]


def test_equal_points_share_a_rank_and_all_stay_on_the_front() -> None:
    assert front_ranks([A, D, A, B, D]) == [0, 1, 0, 0, 1]
    assert front([A, B, A]) == [0, 2, 1]


def test_of_two_as_accurate_the_dearer_is_dominated_and_of_two_as_dear_the_less_accurate() -> None:
    assert front_ranks([(0.5, 2.0), (0.5, 3.0), (0.4, 2.0)]) == [0, 1, 1]


def test_one_that_failed_is_behind_all_others() -> None:
    assert front_ranks([(-math.inf, 2.0), A, B]) == [1, 0, 0]


def test_no_points_have_no_front_and_no_area() -> None:
    assert front_ranks([]) == front([]) == []
    assert hypervolume([], (0.0, 5.0)) == 0.0


def test_the_area_is_that_of_the_steps_under_the_front() -> None:
    # 0.2 · (5 - 1) + 0.3 · (5 - 2) + 0.4 · (5 - 4)
    assert hypervolume([A, B, C], (0.0, 5.0)) == pytest.approx(2.1)


def test_dominated_and_repeated_points_add_no_area() -> None:
    assert hypervolume([*POINTS, B, A], (0.0, 5.0)) == hypervolume([A, B, C], (0.0, 5.0))


def test_points_that_the_reference_beats_add_no_area() -> None:
    # Only B lies within: A is no more accurate than the reference, C no cheaper.
    assert hypervolume([A, B, C], (0.2, 4.0)) == pytest.approx(0.3 * 2.0)


def test_the_order_of_the_points_does_not_matter() -> None:
    areas = {hypervolume(order, (0.1, 5.0)) for order in permutations(POINTS)}
    assert len(areas) == 1


def test_a_point_with_nan_is_refused() -> None:
    for asked in (front_ranks, front, lambda points: hypervolume(points, (0.0, 1.0))):
        with pytest.raises(UserError, match="an objective must be a number, got \\(nan, 1"):
            asked([A, (math.nan, 1.0)])


@given(clouds)
def test_ranks_are_those_of_peeling_front_after_front(points: list[CostAndScore]) -> None:
    peeled: dict[CostAndScore, int] = {}
    left, rank = set(points), 0
    while left:
        best = {one for one in left if not any(dominates(other, one) for other in left)}
        peeled |= dict.fromkeys(best, rank)
        left, rank = left - best, rank + 1
    assert front_ranks(points) == [peeled[point] for point in points]


@given(clouds)
def test_the_area_is_the_number_of_unit_squares_that_a_point_dominates(
    points: list[CostAndScore],
) -> None:
    # On whole numbers each square (a, c) is dominated when a point has more than a for c or less.
    squares = [(a, c) for a in range(6) for c in range(6)]
    dominated = [any(p[0] > a and p[1] <= c for p in points) for a, c in squares]
    assert hypervolume(points, (0.0, 6.0)) == sum(dominated)
