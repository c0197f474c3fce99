"""What the evidence of a search says of its candidates: who is best, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.jobs.result import Finished
from scaling_search.search.curve_gp import SeedScores
from scaling_search.search.curve_kernel import Level
from scaling_search.search.intervals import Bounds
from scaling_search.search.knowledge_gradient import Option, regret_after
from scaling_search.search.measurement import rows_of
from scaling_search.search.posterior import Posterior, posterior
from scaling_search.search.search import Search

CERTAINTY = 0.95
WITHIN_POINTS = 0.5
HOUR_SECONDS = 3600.0
# A larger pool than this is judged by its tried candidates alone.
JUDGED_UNTRIED = 1000


@dataclass(frozen=True)
class Verdict:
    """Who is best by all trainings of a search, when trained in full at the φ of the answer.

    `ties` begins with the winner, the best of the finalists; the others are the fewest candidates,
    tried or not, of which one is the best with a probability of 95 % (winner included). `chances`
    is each judged candidate's probability of being the best of all. `expected_regret_points` is by
    how much the best of all is expected to lie above the winner, `p_within` the probability that it
    is no more than half a point. `alpha`, `beta` and `gamma` are the constants of what could be
    best: 95 % intervals.
    """

    ties: tuple[str, ...]
    chances: Mapping[str, float]
    expected_regret_points: float
    p_within: float
    alpha: Bounds
    beta: Bounds
    gamma: Bounds


def verdict(search: Search) -> Verdict | None:
    """The verdict on a finished search; None when every finalist failed.

    It rests on all levels (`search.posterior`): a candidate that was dropped early, or never tried,
    is out only if its neighbours say so. A candidate with a failed training is out.
    """
    evidence = _evidence(search)
    if evidence is None:
        return None
    pool, judged = search.pool, evidence.judged
    estimate = posterior(evidence.shares, evidence.rows, search.plan.seed)
    winner = max(evidence.finalists, key=lambda row: float(estimate.mean[row]))
    names = [pool[index].name for index in judged]
    ties = _fewest([float(chance) for chance in estimate.p_best], winner)
    return Verdict(
        ties=tuple(names[row] for row in ties),
        chances=dict(zip(names, estimate.p_best.tolist(), strict=True)),
        expected_regret_points=estimate.expected_regret(winner),
        p_within=estimate.p_within(winner, WITHIN_POINTS),
        alpha=_credible(estimate, [pool[index].coefficients.alpha for index in judged]),
        beta=_credible(estimate, [pool[index].coefficients.beta for index in judged]),
        gamma=_credible(estimate, [pool[index].coefficients.gamma for index in judged]),
    )


@dataclass(frozen=True)
class _Evidence:
    """The candidates that are judged, by index; their shares; and what was seen, by their row."""

    judged: list[int]
    finalists: list[int]
    shares: Floats
    rows: list[SeedScores]


def _evidence(search: Search) -> _Evidence | None:
    pool, failed, groups = search.pool, search.failed(), search.groups()
    tried = sorted({group.candidate for group in groups} - failed)
    in_full = {group.candidate for group in groups if group.level == Level()} - failed
    if not tried:
        return None
    untried = range(len(pool)) if len(pool) <= JUDGED_UNTRIED else tried
    judged = [index for index in untried if index not in failed]
    row = {index: position for position, index in enumerate(judged)}
    rows = rows_of([replace(g, candidate=row[g.candidate]) for g in groups if g.candidate in row])
    finalists = [row[index] for index in sorted(in_full or tried)]
    return _Evidence(judged, finalists, np.array([pool[index].shares for index in judged]), rows)


def regret_after_an_hour(search: Search) -> float:
    """The expected regret in points after one more hour of training; nan without any evidence."""
    evidence = _evidence(search)
    if evidence is None:
        return math.nan
    options = [
        Option(row, search.plan.level(rung), float(search.job(number, index, 0).mac_images))
        for number, rung in enumerate(search.plan.rungs)
        for row, index in enumerate(evidence.judged)
    ]
    done = [(job, r) for *_, job, r in search.results() if isinstance(r, Finished)]
    seconds = sum(result.train_seconds for _, result in done)
    # Results that were never really trained took no time.
    speed = sum(job.mac_images for job, _ in done) / seconds if seconds else 0.0
    return regret_after(evidence.shares, evidence.rows, options, HOUR_SECONDS * speed)


def _credible(estimate: Posterior, constants: Sequence[float]) -> Bounds:
    """The interval that holds the best candidate's constant with a probability of 95 %."""
    order = np.argsort(constants)
    held = np.cumsum(estimate.p_best[order])
    edges = np.searchsorted(held, ((1 - CERTAINTY) / 2, (1 + CERTAINTY) / 2))
    low, high = (constants[order[min(edge, len(order) - 1)]] for edge in edges)
    return low, high


def _fewest(chances: Sequence[float], winner: int) -> list[int]:
    """The winner, and the most probable others until one of them is the best with CERTAINTY."""
    held, tied = chances[winner], [winner]
    for row in sorted(range(len(chances)), key=lambda row: -chances[row]):
        if held >= CERTAINTY:
            break
        if row != winner:
            tied.append(row)
            held += chances[row]
    return tied
