"""What data leave open of a law: 95 % intervals by the profile of its loss.

A value is within its interval if the best law with that value loses no more than the best law of
all by the factor 1 + F / (n - 3), F of 1 and n - 3 degrees of freedom (Bates, Watts 1988, section
6.1). The scatter is that of the networks about the law, so that it counts both the luck of seeds
and whatever networks are by themselves. `benchmarks/law_coverage.py` measures how often these
intervals hold, beside a nested bootstrap, which counts the luck of seeds twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from scaling_search.core.stats import Floats
from scaling_search.law.fit import (
    LEAST,
    MOST,
    PARAMETERS,
    Law,
    fit_law,
    loss_through,
    loss_with_floor,
    project,
)

Data = tuple[Floats, Floats, Floats]
"""Sizes, errors, weights."""
_TOLERANCE = 1e-7


@dataclass(frozen=True)
class Range:
    """A 95 % interval; an end that nothing bounds is 0, infinite, or for errors 0 or 1."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low <= value <= self.high


def threshold(law: Law, networks: int, level: float = 0.95) -> float:
    """The loss that a value within its interval may have at most; infinite without freedom.

    Examples:
        >>> from scaling_search.law.fit import Law
        >>> from scaling_search.law.intervals import threshold
        >>> law = Law(floor=0.1, scale=0.2, exponent=0.5, unit=1e9, chance=None, loss=1.0)
        >>> threshold(law, networks=3), round(threshold(law, networks=9), 2)
        (inf, 2.0)
    """
    return loss_threshold(law.loss, networks - PARAMETERS, level)


def loss_threshold(loss: float, freedom: int, level: float = 0.95) -> float:
    """The same for any model of this least loss and so many degrees of freedom left."""
    if freedom < 1:
        return math.inf
    return loss * (1 + float(stats.f.isf(1 - level, 1, freedom)) / freedom)


def allows_exponent(law: Law, data: Data, exponent: float) -> bool:
    """Whether an exponent lies within its 95 % interval."""
    sizes, errors, weights = data
    loss, _, _ = project(exponent, sizes / sizes.max(), errors, weights, law.chance)
    return loss <= threshold(law, len(sizes))


def allows_error(law: Law, data: Data, size: float, error: float) -> bool:
    """Whether a mean error at a size lies within its 95 % interval."""
    return loss_through(size, error, data, law.chance) <= threshold(law, len(data[0]))


def exponent_range(law: Law, data: Data) -> Range:
    """The exponents that the data allow.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.law.fit import fit_law
        >>> from scaling_search.law.intervals import exponent_range
        >>> sizes = np.array([1.0, 2, 4, 8, 16])
        >>> luck = np.array([1, -1, 1, -1, 1]) * 0.002
        >>> data = sizes, 0.1 + 0.3 * sizes**-0.5 + luck, np.ones(5)
        >>> exponent_range(fit_law(*data), data).holds(0.5)
        True
    """
    sizes, errors, weights = data
    most, x = threshold(law, len(sizes)), sizes / sizes.max()

    def beyond(log_exponent: float) -> float:
        return project(math.exp(log_exponent), x, errors, weights, law.chance)[0] - most

    middle = math.log(law.exponent)
    low = crossing(beyond, middle, math.log(LEAST))
    high = crossing(beyond, middle, math.log(MOST))
    return Range(
        0.0 if low is None else math.exp(low), math.inf if high is None else math.exp(high)
    )


def floor_range(law: Law, data: Data) -> Range | None:
    """The ε∞ that the data allow; None for M4."""
    if law.chance is not None:
        return None
    most = threshold(law, len(data[0]))

    def beyond(floor: float) -> float:
        return loss_with_floor(floor, data) - most

    low = crossing(beyond, law.floor, 0.0) if law.floor > 0 else None
    high = crossing(beyond, law.floor, float(data[1].min()))
    return Range(0.0 if low is None else low, float(data[1].min()) if high is None else high)


def error_range(law: Law, data: Data, size: float) -> Range:
    """The mean errors at a size that the data allow.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.law.fit import fit_law
        >>> from scaling_search.law.intervals import error_range
        >>> sizes = np.array([1.0, 2, 4, 8, 16])
        >>> luck = np.array([1, -1, 1, -1, 1]) * 0.002
        >>> data = sizes, 0.1 + 0.3 * sizes**-0.5 + luck, np.ones(5)
        >>> error_range(fit_law(*data), data, size=32.0).holds(0.1 + 0.3 * 32**-0.5)
        True
    """
    most, at = threshold(law, len(data[0])), law.error(size)

    def beyond(error: float) -> float:
        return loss_through(size, error, data, law.chance) - most

    low, high = crossing(beyond, at, 0.0), crossing(beyond, at, 1.0)
    return Range(0.0 if low is None else low, 1.0 if high is None else high)


def next_range(law: Law, data: Data, size: float, weight: float) -> Range:
    """Where a further network's measured mean error is to be expected, its own scatter counted."""
    sizes, errors, weights = data
    most, at = threshold(law, len(sizes)), law.error(size)

    def beyond(error: float) -> float:
        joined = (np.append(sizes, size), np.append(errors, error), np.append(weights, weight))
        return fit_law(*joined, law.chance).loss - most

    low, high = crossing(beyond, at, 0.0), crossing(beyond, at, 1.0)
    return Range(0.0 if low is None else low, 1.0 if high is None else high)


def crossing(beyond: Callable[[float], float], inside: float, bound: float) -> float | None:
    """Where the loss crosses its threshold between a point inside and a bound; None: nowhere.

    Steps grow from the inside, for the profile is smooth there and may turn far away.
    """
    if math.isinf(beyond(inside)):
        return None
    before = inside
    for part in (0.01, 0.03, 0.1, 0.3, 0.6, 1.0):
        at = inside + part * (bound - inside)
        if beyond(at) > 0:
            if beyond(before) >= 0:  # rounding, where a law fits without a rest
                return before
            return float(optimize.brentq(beyond, before, at, xtol=_TOLERANCE))
        before = at
    return None
