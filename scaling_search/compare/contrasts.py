"""Linear combinations of networks' mean scores: estimates whose intervals hold all together.

Networks are trained from seeds that have no common effect on them, so nothing is paired: errors of
two networks are independent, also where they share a seed. How far one training scatters about its
network's mean is pooled over all networks, unless they are seen to scatter differently.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats
from scipy.stats import qmc

from scaling_search.core.stats import Floats

# Networks scatter differently if a test says so and by more than a little.
UNEQUAL_P = 0.05
UNEQUAL_FACTOR = 2.0
# Of two values, what lies about their median is a single number: it tells nothing of its own error.
_LEAST_TESTED = 3
# Below this a difference or an error is rounding.
_LOWEST = 1e-12
_LOG2_DIRECTIONS, _MERGED = 15, 16


@dataclass(frozen=True)
class Scatter:
    """The variance of one training of each network, and its degrees of freedom (0: unknown).

    `unequal_p` is the p value of the test that all networks scatter alike, nan where there are too
    few trainings to say. `pooled`: all share one variance.
    """

    variances: Floats
    freedoms: Floats
    pooled: bool
    unequal_p: float


@dataclass(frozen=True)
class Estimate:
    """A linear combination of means: its value, simultaneous interval and two-sided p values.

    `p_value` is that of this combination alone; `p_adjusted` is the chance that any of its family
    would come as many errors away from 0 if all were 0. All but `value` are nan where the scatter
    is unknown.
    """

    value: float
    low: float
    high: float
    p_value: float
    p_adjusted: float


def scatter_of(samples: Sequence[Sequence[float]]) -> Scatter:
    """How far single trainings scatter about the means of their networks, one sample a network.

    Pooled, unless Brown and Forsythe's test (1974) and a factor of more than two between the
    largest and the smallest standard deviation say that networks differ: then each has its own.

    Examples:
        >>> from scaling_search.compare.contrasts import scatter_of
        >>> scatter = scatter_of([[70, 72, 74], [80, 82, 81]])
        >>> scatter.pooled, scatter.freedoms.tolist(), scatter.variances.tolist()
        (True, [4.0, 4.0], [2.5, 2.5])
    """
    freedoms = np.array([max(0, len(sample) - 1) for sample in samples], dtype=np.float64)
    squares = np.array([_squares(sample) for sample in samples], dtype=np.float64)
    unequal_p, factor = _unequal([sample for sample in samples if len(sample) >= _LEAST_TESTED])
    if unequal_p < UNEQUAL_P and factor > UNEQUAL_FACTOR:
        variances = np.divide(
            squares, freedoms, out=np.full_like(squares, np.nan), where=freedoms > 0
        )
        return Scatter(variances, freedoms, pooled=False, unequal_p=unequal_p)
    total = float(freedoms.sum())
    common = float(squares.sum()) / total if total else math.nan
    alike = np.full_like(squares, common), np.full_like(freedoms, total)
    return Scatter(*alike, pooled=True, unequal_p=unequal_p)


def simultaneous(
    samples: Sequence[Sequence[float]], weights: Floats, level: float = 0.95
) -> tuple[Estimate, ...]:
    """Estimate weights @ means (m × k, of k networks) so that all m intervals hold together.

    Under a common variance of ν degrees of freedom the m statistics follow a multivariate t
    distribution of ν with the combinations' correlation: it gives the critical value and the
    single-step p values (Hothorn, Bretz, Westfall 2008, section 3). Under unequal variances each
    combination has its own degrees of freedom by Satterthwaite, and the correlation is estimated
    (Hasler, Hothorn 2008). A network without a score must have no weight.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.compare.contrasts import simultaneous
        >>> compound, depth, width = [74.0, 75, 76], [70.0, 71, 72], [73.0, 75, 74]
        >>> weights = np.array([[1.0, -1, 0], [1, 0, -1]])
        >>> gains = simultaneous([compound, depth, width], weights)
        >>> [(gain.value, gain.p_adjusted < 0.05) for gain in gains]
        [(4.0, True), (1.0, False)]
    """
    scatter = scatter_of(samples)
    means = np.array([np.mean(sample) if len(sample) else 0.0 for sample in samples])
    counts = np.array([max(1, len(sample)) for sample in samples], dtype=np.float64)
    values = weights @ means
    # Variances of the parts of each combination; what has no weight need not be known.
    parts = np.where(weights != 0, weights**2 * (scatter.variances / counts), 0.0)
    errors = np.sqrt(parts.sum(axis=1))
    tested = np.flatnonzero(errors > _LOWEST)
    family = _family(weights[tested], parts[tested], scatter)
    results = [_untested(float(value), float(e)) for value, e in zip(values, errors, strict=True)]
    for index, row in enumerate(tested):
        results[row] = family.estimate(index, float(values[row]), float(errors[row]), level)
    return tuple(results)


@dataclass(frozen=True)
class _Family:
    """Combinations tested together: each as a unit vector over the networks, and its freedom.

    A statistic of no true difference is its unit vector times independent standard errors, one a
    network, over the square root of an independent χ²/ν.
    """

    units: tuple[tuple[float, ...], ...]
    freedoms: tuple[float, ...]

    def estimate(self, index: int, value: float, error: float, level: float) -> Estimate:
        freedom, statistic = self.freedoms[index], abs(value) / error
        half = _critical(self.units, freedom, level) * error
        alone = float(2 * stats.t.sf(statistic, freedom))
        joint = _beyond(self.units, freedom, statistic)
        # Whatever integration leaves over, it lies between the one alone and Bonferroni's bound.
        adjusted = min(max(joint, alone), len(self.units) * alone, 1.0)
        return Estimate(value, value - half, value + half, alone, adjusted)


def _family(weights: Floats, parts: Floats, scatter: Scatter) -> _Family:
    if scatter.pooled:
        freedoms = np.full(len(weights), scatter.freedoms.max(initial=0.0))
    else:
        separate = np.maximum(scatter.freedoms, 1.0)  # 0 where it has no weight
        freedoms = parts.sum(axis=1) ** 2 / (parts**2 / separate).sum(axis=1)
    units = np.sign(weights) * np.sqrt(parts / parts.sum(axis=1, keepdims=True))
    # Rounded: designs that are alike share what is computed of them.
    rows = tuple(tuple(row) for row in units.round(12).tolist())
    return _Family(rows, tuple(freedoms.round(9).tolist()))


def _squares(sample: Sequence[float]) -> float:
    return float(np.sum((np.asarray(sample) - np.mean(sample)) ** 2)) if len(sample) else 0.0


def _unequal(samples: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The p value that all scatter alike, and the factor between largest and smallest deviation."""
    deviations = [float(np.std(sample, ddof=1)) for sample in samples]
    if len(samples) < 2 or max(deviations) < _LOWEST:
        return math.nan, 1.0
    factor = max(deviations) / max(min(deviations), _LOWEST)
    return float(stats.f_oneway(*map(_from_median, samples)).pvalue), factor


def _from_median(sample: Sequence[float]) -> Floats:
    """How far the values lie from their median, one fewer than there are.

    The median of an odd number lies at 0 whatever the scatter, and the middle two of an even number
    lie equally far: such zeros hide half of the differences in samples of three to five (Hines,
    Hines 2000, whose rotation of the middle two this is).
    """
    distances = np.sort(np.abs(np.asarray(sample, dtype=np.float64) - np.median(sample)))
    if len(distances) % 2 == 0:
        distances[1] *= math.sqrt(2)
    scatter: Floats = distances[1:]
    return scatter


def _untested(value: float, error: float) -> Estimate:
    """What there is to say where values don't scatter at all, or nobody knows how far they do."""
    if math.isnan(error):
        return Estimate(value, math.nan, math.nan, math.nan, math.nan)
    p_value = 1.0 if abs(value) < _LOWEST else 0.0
    return Estimate(value, value, value, p_value, p_value)


@lru_cache(maxsize=256)
def _critical(units: tuple[tuple[float, ...], ...], freedom: float, level: float) -> float:
    """The bound within which all statistics lie with this probability."""
    alone = float(stats.t.isf((1 - level) / 2, freedom))
    bonferroni = float(stats.t.isf((1 - level) / 2 / len(units), freedom))
    if len(units) == 1:
        return alone
    root = optimize.brentq(
        lambda bound: _beyond(units, freedom, bound) - (1 - level), 0.99 * alone, 1.01 * bonferroni
    )
    return float(root)


def _beyond(units: tuple[tuple[float, ...], ...], freedom: float, bound: float) -> float:
    """The probability that any statistic of the family lies beyond ± the bound."""
    size = len(units[0])
    # Of k independent errors the squared length is k·F(k, ν) times the variance, whichever way
    # they point: only the direction is left to sample.
    ratio = (bound / _reach(units)) ** 2 / size
    return float(special.fdtrc(size, freedom, ratio).mean())


@lru_cache(maxsize=64)
def _reach(units: tuple[tuple[float, ...], ...]) -> Floats:
    """The largest statistic in each of many evenly spread directions of the errors, ascending.

    Neighbours are merged, which changes no probability by more than their sampling does (3e-4 at
    5 %). `scipy.stats.multivariate_t.cdf` gives the same where no combination depends on others,
    and is off by a tenth where one does (1.17.1), as with two rivals that are one network.
    """
    rows = np.array(units)
    sobol = qmc.Sobol(rows.shape[1], rng=np.random.default_rng(0))
    errors = special.ndtri(sobol.random_base2(_LOG2_DIRECTIONS))
    errors /= np.linalg.norm(errors, axis=1, keepdims=True)
    largest = np.sort(np.abs(errors @ rows.T).max(axis=1))
    merged: Floats = largest.reshape(-1, _MERGED).mean(axis=1)
    return merged
