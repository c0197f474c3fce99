"""What a star leaves open: 95 % intervals by the profile of the loss, and whether x* bends."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from scaling_search.core.stats import Floats
from scaling_search.law.intervals import Range, crossing, loss_threshold
from scaling_search.star.fit import Star, Surfaces, Tie

LEAST, MOST = 0.02, 4.0
"""Exponents beyond them are no size that grows, or a step."""
_WHOLE = 1e-3  # a share is no nearer to 0 and to 1


@dataclass(frozen=True)
class Straightness:
    """Whether the dimensions' best sizes keep to one straight line in log space.

    `p_value` is that of the F test of bends of their own against one bend of all: on one line all
    best sizes may bend alike. nan where too few points are left.
    """

    p_value: float


def allows_exponent(star: Star, dimension: int, s: float) -> bool:
    """Whether an exponent lies within its 95 % interval.

    The best of all is taken with what is found on the way, which may be better.
    """
    tied = star.with_exponent(dimension, s, star.best)
    return tied.loss <= loss_threshold(min(star.best.loss, tied.loss), star.freedom)


def allows_share(star: Star, dimension: int, powers: Floats, share: float) -> bool:
    """Whether a share of the growth lies within its 95 % interval; `powers` as in `share_range`."""
    tied = star.tied(dimension, _tie(dimension, powers, share), star.best)
    return tied.loss <= loss_threshold(min(star.best.loss, tied.loss), star.freedom)


def exponent_range(star: Star, dimension: int) -> Range:
    """The exponents s of a dimension that the points allow; 0 and infinity where nothing bounds."""
    solve = _Path(star, lambda s, near: star.with_exponent(dimension, math.exp(s), near))
    middle = math.log(float(star.best.exponents[dimension]))
    low = crossing(solve, middle, math.log(LEAST)) if middle > math.log(LEAST) else None
    high = crossing(solve, middle, math.log(MOST)) if middle < math.log(MOST) else None
    return Range(
        0.0 if low is None else math.exp(low), math.inf if high is None else math.exp(high)
    )


def share_range(star: Star, dimension: int, powers: Floats) -> Range:
    """The shares of a dimension in the growth of MACs that the points allow.

    `powers` are those of each x in MACs: a share is s times power, over the sum of all.
    """

    def tied(share: float, near: Surfaces) -> Surfaces:
        return star.tied(dimension, _tie(dimension, powers, share), near)

    (middle,) = shares_of(star.best.exponents, powers)[[dimension]]
    solve = _Path(star, tied)
    low, high = (crossing(solve, float(middle), end) for end in (_WHOLE, 1 - _WHOLE))
    return Range(0.0 if low is None else low, 1.0 if high is None else high)


def shares_of(exponents: Floats, powers: Floats) -> Floats:
    """The part of each dimension in the growth of MACs: s times the power of x in MACs.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.star.intervals import shares_of
        >>> shares_of(np.array([0.3, 0.3, 0.2]), np.array([1.0, 1.0, 2.0])).round(2).tolist()
        [0.3, 0.3, 0.4]
    """
    shares: Floats = exponents * powers / (exponents @ powers)
    return shares


def straightness(star: Star) -> Straightness:
    """The F test of bends of each dimension's own against one bend of all."""
    more = len(star.sweeps) - 1
    freedom = star.freedom - len(star.sweeps)
    if more < 1 or freedom < 1:
        return Straightness(math.nan)
    alike, apart = star.bent(alike=True), star.bent(alike=False)
    least = min(alike.loss, apart.loss)
    if least <= 0:
        return Straightness(math.nan)
    ratio = (min(alike.loss, star.best.loss) - least) / more / (least / freedom)
    return Straightness(float(stats.f.sf(max(ratio, 0.0), more, freedom)))


def _tie(dimension: int, powers: Floats, share: float) -> Tie:
    """The exponent of a dimension that has this share, by those of the others."""
    powers_beside, odds = (
        np.delete(powers, dimension),
        share / (1 - share) / float(powers[dimension]),
    )
    return lambda exponents: odds * float(powers_beside @ exponents)


class _Path:
    """The loss beyond the threshold at a value, each fit set out from the nearest one before."""

    def __init__(self, star: Star, solve: Callable[[float, Surfaces], Surfaces]) -> None:
        self._solve, self._most = solve, loss_threshold(star.best.loss, star.freedom)
        self._best, self._known = star.best, dict[float, Surfaces]()

    def __call__(self, value: float) -> float:
        if value not in self._known:
            nearest = min(self._known, key=lambda each: abs(each - value), default=None)
            near = self._best if nearest is None else self._known[nearest]
            self._known[value] = self._solve(value, near)
        return self._known[value].loss - self._most
