"""Scores of a network over images with their intervals, and of two on the same images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from scaling_search.core.stats import DifferenceVerdict, Interval, mean_interval, verdict_of


@dataclass(frozen=True)
class Share:
    """A share with its confidence interval, 0..1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """right - left in top-1 on the same images, 0..1, and how the two part.

    `only_left` and `only_right` count the images that one alone gets right; `p_value` is McNemar's
    exact one, two-sided, `p_holm` after Holm's correction over the pairs that it was compared with.
    """

    difference: float
    low: float
    high: float
    only_left: int
    only_right: int
    n: int
    p_value: float
    p_holm: float
    verdict: DifferenceVerdict


def wilson(share: float, n: float, level: float = 0.95) -> Share:
    """Wilson's score interval of a share of n; n need not be whole.

    Source: E. B. Wilson, JASA 22 (1927); equations as in Brown, Cai, DasGupta (2001), section 3.1.

    Examples:
        >>> from scaling_search.pretrained.scores import wilson
        >>> half = wilson(0.5, 100)
        >>> round(half.low, 3), round(half.high, 3)
        (0.404, 0.596)
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Share(share, max(0.0, middle - half), min(1.0, middle + half))


def accuracy(right: Sequence[int] | pd.Series) -> Share:
    """The share of images that are right, with Wilson's interval.

    Examples:
        >>> from scaling_search.pretrained.scores import accuracy
        >>> right = accuracy([1, 1, 1, 0])
        >>> right.value, round(right.low, 2), round(right.high, 2)
        (0.75, 0.3, 0.95)
    """
    values = np.asarray(right, dtype=float)
    return wilson(float(values.mean()), len(values))


def balanced_accuracy(right: pd.Series, classes: pd.Series) -> Share:
    """The mean over classes of the share that is right, with Wilson's interval.

    The interval takes as many images as would say as much if all classes had the same number:
    K² / Σ 1 / n_k. That is an upper bound of the width, exact where all classes are equally hard.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.pretrained.scores import balanced_accuracy
        >>> classes = pd.Series(["cat"] * 8 + ["dog"] * 2)
        >>> balanced_accuracy(pd.Series([1] * 8 + [1, 0]), classes).value
        0.75
    """
    by = right.astype(float).groupby(classes.to_numpy())
    counts = by.count().to_numpy(dtype=float)
    effective = len(counts) ** 2 / float((1 / counts).sum())
    return wilson(float(by.mean().mean()), effective)


def cross_entropy(losses: pd.Series) -> Interval:
    """The mean over images in nats, with Student's interval.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.pretrained.scores import cross_entropy
        >>> cross_entropy(pd.Series([0.5, 1.0, 1.5])).mean
        1.0
    """
    return mean_interval(losses.to_numpy(dtype=float).tolist())


def mcnemar(only_left: int, only_right: int) -> float:
    """McNemar's exact two-sided p value: a fair coin for each image that one alone gets right.

    Examples:
        >>> from scaling_search.pretrained.scores import mcnemar
        >>> round(mcnemar(only_left=1, only_right=5), 3)
        0.219
    """
    parting = only_left + only_right
    return float(stats.binomtest(only_left, parting).pvalue) if parting else 1.0


def paired_interval(only_left: int, only_right: int, n: int, level: float = 0.95) -> Share:
    """(only_right - only_left) / n with the adjusted Wald interval of Bonett and Price.

    Source: Bonett, Price, J. Educ. Behav. Stat. 37 (2012), equation 7: one image more to each side.

    Examples:
        >>> from scaling_search.pretrained.scores import paired_interval
        >>> gain = paired_interval(only_left=10, only_right=30, n=1000)
        >>> round(gain.value, 3), round(gain.low, 3), round(gain.high, 3)
        (0.02, 0.007, 0.033)
    """
    z = float(stats.norm.ppf((1 + level) / 2))
    left, right = (only_left + 1) / (n + 2), (only_right + 1) / (n + 2)
    half = z * math.sqrt((left + right - (right - left) ** 2) / (n + 2))
    middle = right - left
    return Share((only_right - only_left) / n, max(-1.0, middle - half), min(1.0, middle + half))


def neighbours(right: Sequence[pd.Series]) -> tuple[Paired, ...]:
    """Each network held against the one before it, on the same images, Holm's correction over all.

    `right` has a series a network, 1 where an image is right; verdicts are on the later one.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.pretrained.scores import neighbours
        >>> small, large = pd.Series([1, 0, 0, 1]), pd.Series([1, 1, 1, 0])
        >>> [pair] = neighbours([small, large])
        >>> pair.difference, pair.only_left, pair.only_right
        (0.25, 1, 2)
    """
    parts = [_parting(left, later) for left, later in pairwise(right)]
    raw = [mcnemar(*part) for part in parts]
    return tuple(
        _paired(part, len(right[0]), p_value, adjusted)
        for part, p_value, adjusted in zip(parts, raw, holm(raw), strict=True)
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p values, in the order given (Scand. J. Statist. 6, 1979).

    Examples:
        >>> from scaling_search.pretrained.scores import holm
        >>> holm([0.01, 0.5, 0.02])
        (0.03, 0.5, 0.04)
    """
    order = np.argsort(p_values, kind="stable")
    steps = [(len(order) - rank) * p_values[index] for rank, index in enumerate(order)]
    rising = np.minimum(1.0, np.maximum.accumulate(steps)) if steps else np.array([])
    adjusted = dict(zip(order.tolist(), rising.tolist(), strict=True))
    return tuple(adjusted[index] for index in range(len(p_values)))


def _parting(left: pd.Series, right: pd.Series) -> tuple[int, int]:
    first, second = left.to_numpy(dtype=bool), right.to_numpy(dtype=bool)
    return int((first & ~second).sum()), int((second & ~first).sum())


def _paired(part: tuple[int, int], n: int, p_value: float, adjusted: float) -> Paired:
    share = paired_interval(*part, n)
    verdict = verdict_of(share.value, adjusted)
    return Paired(share.value, share.low, share.high, *part, n, p_value, adjusted, verdict)
