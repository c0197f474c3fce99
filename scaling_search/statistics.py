"""Means, intervals, paired differences and ties: what a handful of seeds can and can't tell.

Everything here takes plain numbers, accuracies as fractions or percent alike; frames of runs are
read by `scaling_search.compare.gains`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Verdict = Literal["better", "worse", "no difference found", "single run", "not compared"]
Seed = int
Floats = NDArray[np.float64]

# With n seeds a candidate's own sd has n - 1 degrees of freedom: with three seeds its 95 %
# interval runs from 0.5 to 6.3 times the truth, and among dozens of candidates some are bound to
# look certain by luck. Below this n the residuals of all candidates are pooled instead, on the
# assumption that networks of one size on one data set scatter alike.
OWN_SD_FROM = 6


@dataclass(frozen=True)
class Interval:
    """A mean of `n` values with its confidence interval; `low` and `high` are nan below n = 2."""

    mean: float
    low: float
    high: float
    n: int
    sd: float


@dataclass(frozen=True)
class Difference:
    """left - right over `n` shared seeds, its 95 % interval, two-sided p value and verdict on left.

    `low`, `high` and `p_value` are nan below two shared seeds.
    """

    mean: float
    low: float
    high: float
    n: int
    p_value: float
    verdict: Verdict


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean with its Student-t interval at `level`; one value alone has no interval."""
    array = np.asarray(values, dtype=np.float64)
    n = int(array.size)
    if n < 2:
        return Interval(float(array[0]) if n else math.nan, math.nan, math.nan, n, math.nan)
    mean, sd = float(array.mean()), float(array.std(ddof=1))
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * sd / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, sd)


def paired_difference(
    left: Mapping[Seed, float], right: Mapping[Seed, float], level: float = 0.95
) -> Difference:
    """Compare two networks on the seeds they share: a paired t test, interval and verdict.

    Pairing takes out what a seed does to both alike (data order, augmentation). Seeds that only
    one side has are left out; "not compared" means that no seed is shared.
    """
    shared = sorted(left.keys() & right.keys())
    interval = mean_interval([left[seed] - right[seed] for seed in shared], level)
    if interval.n < 2:
        verdict: Verdict = "single run" if interval.n else "not compared"
        return Difference(interval.mean, math.nan, math.nan, interval.n, math.nan, verdict)
    p_value = _two_sided_p(interval.mean, interval.sd / math.sqrt(interval.n), interval.n - 1)
    verdict = verdict_of(interval.mean, p_value, 1 - level)
    return Difference(interval.mean, interval.low, interval.high, interval.n, p_value, verdict)


def verdict_of(difference: float, p_value: float, alpha: float = 0.05) -> Verdict:
    """Put a difference and its p value (raw or adjusted) into words."""
    if math.isnan(difference):
        return "not compared"
    if math.isnan(p_value):
        return "single run"
    if p_value >= alpha:
        return "no difference found"
    return "better" if difference > 0 else "worse"


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjust p values for being many (Holm 1979), in the order given; nan stays nan, uncounted."""
    adjusted = [math.nan] * len(p_values)
    tested = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    highest = 0.0
    for rank, (p, index) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        adjusted[index] = highest
    return tuple(adjusted)


def ties(samples: Mapping[str, Mapping[Seed, float]], alpha: float = 0.05) -> tuple[str, ...]:
    """Name the candidates that can't be told from the best, best mean first.

    A candidate drops out when it is worse than the best one at one-sided level alpha / (k - 1)
    for k candidates, so that the truly best stays in with at least 1 - alpha, however many there
    are (Gupta's subset selection, with Bonferroni's bound). With one training each, all tie: the
    scatter is unknown, and a single number per network tells nothing apart.
    """
    means = {name: float(np.mean(list(by.values()))) for name, by in samples.items() if by}
    ranked = sorted(means, key=lambda name: -means[name])
    if len(ranked) < 2:
        return tuple(ranked)
    pooled = pooled_error([samples[name] for name in ranked])
    level = alpha / (len(ranked) - 1)
    best = samples[ranked[0]]
    return tuple(
        name
        for name in ranked
        if name == ranked[0] or _worse_p(samples[name], best, pooled) >= level
    )


def pooled_error(samples: Sequence[Mapping[Seed, float]]) -> tuple[float, int]:
    """Return the sd of one training about its candidate's mean, and its degrees of freedom.

    Where all candidates share their seeds, the seeds' common effect is taken out too: the
    residual of a two-way layout, as pairing does for two.
    """
    seeds = sorted(samples[0])
    balanced = all(sorted(by) == seeds for by in samples)
    rows = [np.array([by[seed] for seed in sorted(by)], dtype=np.float64) for by in samples]
    residuals, freedom = _residuals(rows, blocked=balanced)
    if freedom == 0:
        return math.nan, 0
    return math.sqrt(float(residuals @ residuals) / freedom), freedom


def _worse_p(
    candidate: Mapping[Seed, float], best: Mapping[Seed, float], pooled: tuple[float, int]
) -> float:
    """Return the one-sided p value of "candidate is no worse than best"; 1 if nothing is known."""
    shared = candidate.keys() & best.keys()
    if len(shared) >= OWN_SD_FROM:
        difference = paired_difference(candidate, best)
        return difference.p_value / 2 if difference.mean < 0 else 1 - difference.p_value / 2
    sd, freedom = pooled
    gap = float(np.mean(list(best.values())) - np.mean(list(candidate.values())))
    if freedom == 0:
        return 1.0
    return _two_sided_p(gap, sd * math.sqrt(1 / len(candidate) + 1 / len(best)), freedom) / 2


def _residuals(rows: Sequence[Floats], blocked: bool) -> tuple[Floats, int]:
    """Return all candidates' residuals end to end, and their degrees of freedom."""
    centred = [row - row.mean() for row in rows]
    if blocked and len(rows) > 1:
        table = np.stack(centred)
        return (table - table.mean(axis=0)).ravel(), (len(rows) - 1) * (table.shape[1] - 1)
    return np.concatenate(centred), sum(row.size - 1 for row in rows)


def _two_sided_p(mean: float, error: float, freedom: int) -> float:
    """Return Student's two-sided p value; without any scatter, 1 for a zero mean, else 0."""
    if error < 1e-12:
        return 1.0 if abs(mean) < 1e-12 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, freedom))
