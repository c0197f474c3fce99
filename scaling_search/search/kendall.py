"""Kendall's τ with its interval, and how much of it the seeds' noise would leave.

Everything here takes the scores of candidates: arrays, or tables of one row a candidate and one
column a seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from scaling_search.core.stats import Floats, pooled_error

# The resampling of five candidates has too few distinct outcomes for an interval: all in the same
# order, they would claim certainty.
LEAST_FOR_INTERVAL = 6
RESAMPLES = 2000


def tau_interval(pairs: Sequence[tuple[Floats, Floats]], seed: int) -> tuple[float, float, float]:
    """The mean τ-b of pairs of scores of the same candidates, and its 95 % percentile interval.

    The interval resamples candidates and not seeds: the seeds' noise comes with each candidate,
    independent of the others', so it is in the resampling already; drawing seeds anew as well would
    count it twice and, since two copies of a candidate would no longer tie, pull τ down. It is nan
    below 6 candidates.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.search.kendall import tau_interval
        >>> left, right = np.arange(8.0), np.array([0, 1, 3, 2, 4, 5, 7, 6.0])
        >>> tau, low, high = tau_interval([(left, right)], seed=0)
        >>> round(tau, 2), low < tau < high
        (0.86, True)
    """
    n = len(pairs[0][0])
    tau = float(np.mean([kendall(a, b) for a, b in pairs]))
    if n < LEAST_FOR_INTERVAL or math.isnan(tau):
        return tau, math.nan, math.nan
    resamples = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    resampled = np.mean([_weighted_tau(a, b, resamples) for a, b in pairs], axis=0)
    low, high = np.nanquantile(resampled, (0.025, 0.975))
    return tau, float(low), float(high)


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's τ-b: 1 for the same order, -1 for the reverse, ties counted out.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.search.kendall import kendall
        >>> after_3_epochs, after_30 = np.array([61, 64, 63, 70]), np.array([71, 73, 74, 75])
        >>> round(kendall(after_3_epochs, after_30), 3)
        0.667
    """
    return float(stats.kendalltau(a, b).statistic)


def means(table: pd.DataFrame) -> Floats:
    """The mean over seeds; equal counts of right answers stay equal whatever their order.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.search.kendall import means
        >>> means(pd.DataFrame([[70, 72], [74, 75]])).tolist()  # candidates × seeds
        [71.0, 74.5]
    """
    array: Floats = table.to_numpy(dtype=np.float64).mean(axis=1).round(9)
    return array


def reliability(table: pd.DataFrame) -> float:
    """The share of the scatter between the candidates' means that is no noise, from 0 to 1.

    Cronbach's alpha: the mean over all ways of splitting the seeds in halves, stepped up to the
    full number of seeds. nan with one seed or one candidate.

    Examples:
        >>> import pandas as pd
        >>> from scaling_search.search.kendall import reliability
        >>> scores = pd.DataFrame([[70, 72], [74, 75], [79, 78]])  # candidates × seeds
        >>> round(reliability(scores), 2)
        0.96
    """
    values = table.to_numpy(dtype=np.float64)
    candidates, seeds = values.shape
    if seeds < 2 or candidates < 2:
        return math.nan
    sd, _ = pooled_error(samples(table))
    between = seeds * float(values.mean(axis=1).var(ddof=1))
    return max(0.0, 1 - sd**2 / between) if between > 0 else 0.0


def normal_tau(correlation: float) -> float:
    """Kendall's τ of two normal variables of that correlation (Greiner's relation).

    Examples:
        >>> from scaling_search.search.kendall import normal_tau
        >>> round(normal_tau(0.9), 2)
        0.71
    """
    return 2 / math.pi * math.asin(correlation)


def samples(table: pd.DataFrame) -> list[dict[int, float]]:
    """Each candidate's scores by the place of their seed."""
    rows = table.to_numpy(dtype=np.float64)
    return [dict(enumerate(map(float, row))) for row in rows]


def _weighted_tau(a: Floats, b: Floats, counts: NDArray[np.int64]) -> Floats:
    """τ-b for each row of `counts`, which says how often each candidate was drawn.

    Two copies of one candidate tie on both sides and so drop out of τ-b.
    """
    above_a, above_b = (np.sign(np.subtract.outer(x, x)) for x in (a, b))
    weights = counts.astype(np.float64)

    def pairs(signs: Floats) -> Floats:
        total: Floats = ((weights @ signs) * weights).sum(axis=1)
        return total

    untied = np.sqrt(pairs(np.abs(above_a)) * pairs(np.abs(above_b)))
    with np.errstate(invalid="ignore"):
        taus: Floats = pairs(above_a * above_b) / untied
    return taus
