"""Answers of searches that never ran, for tests of what is made of answers."""

from __future__ import annotations

from collections.abc import Mapping

from scaling_search.arch.scaling import Coefficients
from scaling_search.search.constants import Constants
from scaling_search.search.intervals import Bounds
from scaling_search.search.verdict import Verdict


def answer(
    coefficients: Coefficients,
    spans: tuple[Bounds, Bounds, Bounds],
    ties: tuple[str, ...],
    chances: Mapping[str, float],
    *,
    candidates: int = 12,
    trained: int = 6,
    finalists: int = 3,
    seeds: int = 3,
) -> Constants:
    """The constants of a search whose winner is the first of the ties."""
    verdict = Verdict(
        ties=ties,
        chances=chances,
        expected_regret_points=0.4,
        p_within=0.75,
        alpha=(1.0, 1.3),
        beta=(1.0, 1.2),
        gamma=(1.1, 1.4),
    )
    alpha, beta, gamma = spans
    return Constants(
        coefficients,
        alpha,
        beta,
        gamma,
        verdict,
        0.25,
        1.0,
        candidates,
        0.5,
        trained,
        finalists,
        seeds,
    )
