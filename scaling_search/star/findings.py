"""What a star says: exponents, the constants that they imply, and whether the line is straight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from scaling_search.arch.scaling import AxisName, Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.core.stats import Floats
from scaling_search.cost.analytic import count
from scaling_search.law.intervals import Range
from scaling_search.search.equal_cost import on_ray
from scaling_search.search.space import Budget
from scaling_search.star.intervals import (
    Straightness,
    exponent_range,
    share_range,
    shares_of,
    straightness,
)
from scaling_search.star.points import StarPoints
from scaling_search.star.sweep import POWERS

CONSTANTS: Mapping[AxisName, str] = {"depth": "alpha", "width": "beta", "resolution": "gamma"}
_POWERS_OF_CONSTANTS: Mapping[AxisName, float] = {"depth": 1.0, "width": 2.0, "resolution": 2.0}


@dataclass(frozen=True)
class DimensionExponent:
    """A dimension: its best size grows as compute^`exponent`, and takes `share` of the growth.

    Both with their 95 % intervals; the share is that of the growth of MACs, all swept dimensions
    together being 1. `given_share` is that of the constants that the centre was grown by.
    """

    axis: AxisName
    sizes: int
    smallest: float
    largest: float
    exponent: float
    exponent_range: Range
    share: float
    share_range: Range
    given_share: float

    @property
    def is_open(self) -> bool:
        """Whether the points bound the exponent on no side."""
        span = self.exponent_range
        return span.low == 0 and math.isinf(span.high)


@dataclass(frozen=True)
class Misfit:
    """How far points lie from their surfaces, in `times` what the scatter of seeds explains.

    `p_value` is that of the F test of lack of fit.
    """

    times: float
    p_value: float


@dataclass(frozen=True, eq=False)
class StarFindings:
    """All of it; `given` are the constants that the centre was grown by, `origin` whose they are.

    `implied` are those of the star at the same growth of measured MACs.
    """

    points: StarPoints
    dimensions: tuple[DimensionExponent, ...]
    implied: Coefficients
    given: Coefficients
    origin: str
    growth: float
    straight: Straightness

    @cached_property
    def misfit(self) -> Misfit | None:
        """Whether the surfaces miss the points; None where one seed tells no scatter."""
        points, star = self.points, self.points.star
        if not points.seed_freedom or math.isnan(points.unit):
            return None
        ratio = star.best.loss / star.freedom / points.unit
        p_value = float(stats.f.sf(ratio, star.freedom, points.seed_freedom))
        return Misfit(math.sqrt(ratio), p_value)

    @cached_property
    def fitted(self) -> dict[AxisName, Floats]:
        """The scores of each arm's points, in their order, on its surface."""
        star = self.points.star
        best = star.best
        exponents = zip(star.sweeps, best.exponents, best.parts, strict=True)
        scores = [swept.fitted(s, part, best.learning) for swept, s, part in exponents]
        return dict(zip(self.points.sweep.axes, scores, strict=True))


def star_findings(
    points: StarPoints, base: Architecture, given: Coefficients, origin: str, growth: float
) -> StarFindings:
    """Fit the surfaces and read them off; raises UserError for points too few for intervals."""
    star, axes = points.star, points.sweep.axes
    rule = "a star has more points than its surfaces have parameters"
    require(star.freedom >= 1, rule, star.points, "raise --sizes or give more --epochs")
    powers = np.array([POWERS[axis] for axis in axes])
    shares = shares_of(star.best.exponents, powers)
    given_shares = _given_shares(given, points)
    dimensions = tuple(
        DimensionExponent(
            axis,
            *_extent(points, axis),
            float(star.best.exponents[index]),
            exponent_range(star, index),
            float(shares[index]),
            share_range(star, index, powers),
            given_shares[axis],
        )
        for index, axis in enumerate(axes)
    )
    exponents = dict(zip(axes, star.best.exponents.tolist(), strict=True))
    implied = implied_constants(base, exponents, growth)
    return StarFindings(points, dimensions, implied, given, origin, growth, straightness(star))


def implied_constants(
    base: Architecture, exponents: Mapping[AxisName, float], growth: float
) -> Coefficients:
    """α, β, γ in proportion to these exponents whose network has `growth` times the base's MACs.

    Of width the exponent is that of the sum of squared channels. What was not swept stays at 1.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.star.findings import implied_constants
        >>> exponents = {"depth": 0.3, "width": 0.3, "resolution": 0.2}
        >>> found = implied_constants(zoo.get("efficientnet-b0"), exponents, growth=2.0)
        >>> round(found.alpha, 2), round(found.beta, 2), round(found.gamma, 2)
        (1.11, 1.06, 1.07)
    """
    ray = {
        CONSTANTS[axis]: float(np.exp(exponent / (2 if axis == "width" else 1)))
        for axis, exponent in exponents.items()
    }
    direction = Coefficients(**{name: ray.get(name, 1.0) for name in CONSTANTS.values()})
    target = growth * count(base).macs
    grown = on_ray(base, direction, target, Budget(growth=growth))
    return Coefficients(grown.depth, grown.width, grown.resolution)


def _given_shares(given: Coefficients, points: StarPoints) -> dict[AxisName, float]:
    """The part of each swept dimension in α·β²·γ²."""
    logs = {
        axis: _POWERS_OF_CONSTANTS[axis] * float(np.log(getattr(given, CONSTANTS[axis])))
        for axis in points.sweep.axes
    }
    total = sum(logs.values())
    return {axis: log / total if total else float("nan") for axis, log in logs.items()}


def _extent(points: StarPoints, axis: AxisName) -> tuple[int, float, float]:
    sizes = points.frame.loc[points.frame["axis"] == axis, "size"]
    return sizes.nunique(), float(sizes.min()), float(sizes.max())
