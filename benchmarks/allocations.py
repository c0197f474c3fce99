"""Peers of the knowledge gradient: which training comes next by other rules of the literature.

Both know what the search knows, the posterior of `search.curve_gp` over all of its trainings, so
that the rules alone differ. They choose among trainings in full; what is under way counts as if it
turned out as expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.search.curve_gp import CurveGP, SeedScores
from scaling_search.search.curve_kernel import Level, Points
from scaling_search.search.knowledge_gradient import Option, Waiting, with_expected
from scaling_search.search.posterior import likeliest_parameters

LEAST_GAP_POINTS = 0.05  # OCBA divides by gaps: two networks nearer than this count as so far apart


def top_two(
    shares: Floats,
    rows: Sequence[SeedScores],
    waiting: Sequence[Waiting],
    options: Sequence[Option],
) -> int:
    """Top-two sampling with the challenger of least transportation cost (T3C).

    The leader is the best of one draw; the challenger j of a leader i has the least
    (μi − μj)² / 2 Var(θi − θj). Each is trained as often as the other. Shang et al.,
    Fixed-confidence guarantees for Bayesian best-arm identification, 2020.
    """
    process, mean, covariance = _believed(shares, rows, waiting)
    rng = np.random.default_rng(_trained(process))
    leader = int(rng.multivariate_normal(mean, covariance, method="eigh").argmax())
    variances = np.diag(covariance)
    apart = variances[leader] + variances - 2 * covariance[leader]
    costs = (mean[leader] - mean) ** 2 / (2 * np.maximum(apart, 1e-9))
    costs[mean > mean[leader]] = 0.0  # already ahead of the leader: no evidence has to move
    costs[leader] = np.inf
    challenger = int(costs.argmin())
    return _in_full(options, leader if rng.random() < 0.5 else challenger)


def ocba(
    shares: Floats,
    rows: Sequence[SeedScores],
    waiting: Sequence[Waiting],
    options: Sequence[Option],
) -> int:
    """Optimal computing budget allocation: the network that is furthest short of its share.

    Shares are in proportion to (noise / gap to the best)², the best's to the root of the sum of
    their squares. Chen et al., Simulation budget allocation for further enhancing the efficiency of
    ordinal optimization, 2000, theorem 1.
    """
    process, mean, _ = _believed(shares, rows, waiting)
    best = int(mean.argmax())
    gaps = np.maximum(mean[best] - mean, LEAST_GAP_POINTS)
    parts = 1 / gaps**2
    parts[best] = 0.0
    parts[best] = np.sqrt((parts**2).sum())
    have = np.zeros(len(shares))
    for row in process.rows:
        have[row.candidate] += len(row.scores) * (row.level == Level())
    wanted = (have.sum() + 1) * parts / parts.sum()
    return _in_full(options, int((wanted - have).argmax()))


def _believed(
    shares: Floats, rows: Sequence[SeedScores], waiting: Sequence[Waiting]
) -> tuple[CurveGP, Floats, Floats]:
    """The process with what is under way, and what it says of every candidate in full."""
    process = CurveGP(shares, rows)
    parameters = likeliest_parameters(process)
    process = with_expected(process, parameters, waiting)
    target = Points.of([(candidate, Level()) for candidate in range(len(shares))])
    return process, *process.at(parameters, target)


def _trained(process: CurveGP) -> int:
    return sum(len(row.scores) for row in process.rows)


def _in_full(options: Sequence[Option], candidate: int) -> int:
    """The place of the candidate's training in full among the options."""
    return next(
        index
        for index, option in enumerate(options)
        if option.candidate == candidate and option.level == Level()
    )
