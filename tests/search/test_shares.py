"""How growth is shared between the axes, and how much of what is possible a pool covers."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.search.candidates import candidates
from scaling_search.search.shares import (
    ALIKE,
    CORNERS,
    EVEN,
    cover,
    coverage,
    distance,
    growth_shares,
    nominal_shares,
)
from scaling_search.search.space import Budget, Space

BASE = zoo.get("micro")


def test_growing_one_axis_alone_takes_the_whole_growth() -> None:
    assert growth_shares(BASE, Coefficients(2, 1, 1)) == (1, 0, 0)
    assert growth_shares(BASE, Coefficients(1, 1.4, 1)) == (0, 1, 0)
    assert growth_shares(BASE, Coefficients(1, 1, 1.4)) == (0, 0, 1)


def test_a_network_that_shrinks_shares_its_shrinking_out() -> None:
    assert growth_shares(BASE, Coefficients(0.5, 1, 1)) == (1, 0, 0)
    assert sum(growth_shares(BASE, Coefficients(0.5, 0.7, 0.7))) == pytest.approx(1)


def test_the_base_itself_shares_evenly() -> None:
    assert growth_shares(BASE, Coefficients(1, 1, 1)) == EVEN


def test_the_formula_counts_width_and_resolution_twice() -> None:
    assert nominal_shares(Coefficients(4, 2, 2)) == pytest.approx(EVEN)
    assert nominal_shares(Coefficients(1, 2, 1)) == (0, 1, 0)


def test_all_points_that_make_one_network_have_the_same_shares() -> None:
    for candidate in candidates(BASE, Budget(), Space()):
        low, high = (
            Coefficients(candidate.alpha[end], candidate.beta[end], candidate.gamma[end])
            for end in (0, 1)
        )
        assert growth_shares(BASE, low) == growth_shares(BASE, high) == candidate.shares


def test_the_distance_is_the_part_of_growth_spent_elsewhere() -> None:
    assert distance((1, 0, 0), (0, 1, 0)) == 1
    assert distance((0.5, 0.5, 0), (0.5, 0.25, 0.25)) == 0.25
    assert distance((0.2, 0.3, 0.5), (0.2, 0.3, 0.5)) == 0


def test_a_search_begins_with_each_axis_alone_then_all_alike_then_the_papers_way() -> None:
    paper = nominal_shares(Coefficients(1.2, 1.1, 1.15))
    pool = [EVEN, *CORNERS, (0.1, 0.1, 0.8), paper]
    assert cover(pool) == [1, 2, 3, 0, 5]


def test_a_network_that_is_nearest_twice_covers_once() -> None:
    assert cover([(1.0, 0.0, 0.0), (0.3, 0.3, 0.4)]) == [0, 1]


def test_a_corner_covers_the_points_within_a_tenth_of_the_growth() -> None:
    # Of 231 points on a grid of twentieths, those with a share of 0.9 or more: 1 + 2 + 3.
    assert ALIKE == 0.1
    assert coverage([CORNERS[0]]) == pytest.approx(6 / 231)
    assert coverage([*CORNERS]) == pytest.approx(18 / 231)


def test_the_whole_simplex_is_covered_by_a_grid_of_tenths() -> None:
    tenths = [(d / 10, w / 10, 1 - (d + w) / 10) for d in range(11) for w in range(11 - d)]
    assert coverage(tenths) == 1.0
