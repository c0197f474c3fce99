"""Means, intervals and paired differences: what a handful of seeds can and can't tell.

Everything here takes plain numbers, accuracies as fractions or percent alike; frames of runs are
read by `scaling_search.compare.networks`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

DifferenceVerdict = Literal["better", "worse", "no difference found", "single run", "not compared"]
Seed = int
Floats = NDArray[np.float64]


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
    verdict: DifferenceVerdict


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean with its Student-t interval at `level`; one value alone has no interval.

    Examples:
        >>> from scaling_search.core.stats import mean_interval
        >>> top1_percent = mean_interval([71.0, 72.0, 73.0])
        >>> top1_percent.mean, round(top1_percent.low, 1), round(top1_percent.high, 1)
        (72.0, 69.5, 74.5)
    """
    array = np.asarray(values, dtype=np.float64)
    n = int(array.size)
    if n < 2:
        return Interval(float(array[0]) if n else math.nan, math.nan, math.nan, n, math.nan)
    mean, sd = float(array.mean()), float(array.std(ddof=1))
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * sd / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, sd)


def paired_difference(
    left: Mapping[Seed, float], right: Mapping[Seed, float], level: float = 0.95
) -> Difference:
    """Compare two networks on the seeds they share: a paired t test, interval and verdict.

    Pairing takes out what a seed does to both alike (data order, augmentation). Seeds that only
    one side has are left out; "not compared" means that no seed is shared.

    Examples:
        >>> from scaling_search.core.stats import paired_difference
        >>> compound, deeper = {0: 72.0, 1: 74.0, 2: 73.0}, {0: 71.0, 1: 72.5, 2: 71.5}
        >>> gain = paired_difference(compound, deeper)
        >>> round(gain.mean, 2), gain.n, round(gain.p_value, 3), gain.verdict
        (1.33, 3, 0.015, 'better')
    """
    shared = sorted(left.keys() & right.keys())
    interval = mean_interval([left[seed] - right[seed] for seed in shared], level)
    if interval.n < 2:
        verdict: DifferenceVerdict = "single run" if interval.n else "not compared"
        return Difference(interval.mean, math.nan, math.nan, interval.n, math.nan, verdict)
    p_value = _two_sided_p(interval.mean, interval.sd / math.sqrt(interval.n), interval.n - 1)
    verdict = verdict_of(interval.mean, p_value, 1 - level)
    return Difference(interval.mean, interval.low, interval.high, interval.n, p_value, verdict)


def verdict_of(difference: float, p_value: float, alpha: float = 0.05) -> DifferenceVerdict:
    """Put a difference and its p value (raw or adjusted) into words.

    Examples:
        >>> from scaling_search.core.stats import verdict_of
        >>> verdict_of(1.5, 0.01), verdict_of(1.5, 0.2), verdict_of(-1.5, 0.01)
        ('better', 'no difference found', 'worse')
    """
    if math.isnan(difference):
        return "not compared"
    if math.isnan(p_value):
        return "single run"
    if p_value >= alpha:
        return "no difference found"
    return "better" if difference > 0 else "worse"


def pooled_error(samples: Sequence[Mapping[Seed, float]]) -> tuple[float, int]:
    """Return the sd of one training about its candidate's mean, and its degrees of freedom.

    Where all candidates share their seeds, the seeds' common effect is taken out too: the
    residual of a two-way layout, as pairing does for two.

    Examples:
        >>> from scaling_search.core.stats import pooled_error
        >>> error, freedom = pooled_error([{0: 70.0, 1: 72.0, 2: 74.0}, {5: 80.0, 6: 82.0}])
        >>> round(error, 2), freedom
        (1.83, 3)
    """
    seeds = sorted(samples[0])
    balanced = all(sorted(by) == seeds for by in samples)
    rows = [np.array([by[seed] for seed in sorted(by)], dtype=np.float64) for by in samples]
    residuals, freedom = _residuals(rows, blocked=balanced)
    if freedom == 0:
        return math.nan, 0
    return math.sqrt(float(residuals @ residuals) / freedom), freedom


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
    return float(2 * special.stdtr(freedom, -abs(mean) / error))
