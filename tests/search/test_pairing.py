"""Candidates of two searches matched by how they share the growth."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.search.candidates import candidates
from scaling_search.search.pairing import Pair, distance, growth_shares, paired
from scaling_search.search.space import Budget, Space

BASE = zoo.get("micro")


def test_growing_one_axis_alone_takes_the_whole_growth() -> None:
    assert growth_shares(BASE, Coefficients(2, 1, 1)) == (1, 0, 0)
    assert growth_shares(BASE, Coefficients(1, 1.4, 1)) == (0, 1, 0)
    assert growth_shares(BASE, Coefficients(1, 1, 1.4)) == (0, 0, 1)


def test_all_points_that_make_one_network_have_the_same_shares() -> None:
    for candidate in candidates(BASE, Budget(), Space()):
        low, high = (
            Coefficients(candidate.alpha[end], candidate.beta[end], candidate.gamma[end])
            for end in (0, 1)
        )
        assert growth_shares(BASE, low) == growth_shares(BASE, high)


def test_the_distance_is_the_part_of_growth_spent_elsewhere() -> None:
    assert distance((1, 0, 0), (0, 1, 0)) == 1
    assert distance((0.5, 0.5, 0), (0.5, 0.25, 0.25)) == 0.25
    assert distance((0.2, 0.3, 0.5), (0.2, 0.3, 0.5)) == 0


def test_each_is_matched_at_most_once_and_as_many_as_can_be() -> None:
    left = {"a": (0.50, 0.50, 0.0), "b": (0.56, 0.44, 0.0)}
    right = {"x": (0.55, 0.45, 0.0), "y": (0.65, 0.35, 0.0)}
    # Greedily b takes x (0.01) and leaves a alone: y is 0.15 from it.
    assert paired(left, right) == (
        Pair("a", "x", pytest.approx(0.05)),  # type: ignore[arg-type]
        Pair("b", "y", pytest.approx(0.09)),  # type: ignore[arg-type]
    )


def test_beyond_the_limit_nothing_is_alike() -> None:
    assert paired({"a": (1, 0, 0)}, {"x": (0.85, 0.15, 0)}) == ()
    assert paired({"a": (1, 0, 0)}, {}) == ()


def test_a_search_matches_itself_candidate_by_candidate() -> None:
    pool = candidates(BASE, Budget(), Space())
    shares = {candidate.name: growth_shares(BASE, candidate.coefficients) for candidate in pool}
    assert [(p.left, p.distance) for p in paired(shares, shares)] == [(n, 0) for n in shares]
