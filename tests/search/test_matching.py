"""Candidates of two searches matched by how they share the growth."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.search.candidates import candidates
from scaling_search.search.matching import paired
from scaling_search.search.space import Budget, Space

BASE = zoo.get("micro")


def test_each_is_matched_at_most_once_and_as_many_as_can_be() -> None:
    left = {"a": (0.50, 0.50, 0.0), "b": (0.56, 0.44, 0.0)}
    right = {"x": (0.55, 0.45, 0.0), "y": (0.65, 0.35, 0.0)}
    # Greedily b takes x (0.01) and leaves a alone: y is 0.15 from it.
    pairs = paired(left, right)
    assert [(pair.left, pair.right) for pair in pairs] == [("a", "x"), ("b", "y")]
    assert [pair.distance for pair in pairs] == pytest.approx([0.05, 0.09])


def test_beyond_the_limit_nothing_is_alike() -> None:
    assert paired({"a": (1, 0, 0)}, {"x": (0.85, 0.15, 0)}) == ()
    assert paired({"a": (1, 0, 0)}, {}) == ()


def test_a_search_matches_itself_candidate_by_candidate() -> None:
    pool = candidates(BASE, Budget(), Space())
    shares = {candidate.name: candidate.shares for candidate in pool}
    assert [(p.left, p.distance) for p in paired(shares, shares)] == [(n, 0) for n in shares]
