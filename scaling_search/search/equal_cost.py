"""Networks grown one way until they cost what is asked, as nearly as rounding lets.

The way is one axis alone, or the ray (α, β, γ)^φ of compound scaling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import assert_never

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import (
    AxisName,
    Coefficients,
    Multipliers,
    scale,
    scale_resolution,
)
from scaling_search.core.errors import UserError
from scaling_search.search.resources import RESOURCES, Meter, UntimedError, meter_of
from scaling_search.search.space import Budget

LEAST_MULTIPLIER = 1.0 / 1024.0


def along(axis: AxisName, multiplier: float) -> Multipliers:
    """The multipliers that grow one axis alone.

    Examples:
        >>> from scaling_search.search.equal_cost import along
        >>> along("width", 1.4)
        Multipliers(depth=1.0, width=1.4, resolution=1.0)
    """
    match axis:
        case "depth":
            return Multipliers(multiplier, 1.0, 1.0)
        case "width":
            return Multipliers(1.0, multiplier, 1.0)
        case "resolution":
            return Multipliers(1.0, 1.0, multiplier)
        case _:
            assert_never(axis)


def matched(
    base: Network, axis: AxisName, target: float, budget: Budget, meter: Meter | None = None
) -> Multipliers:
    """The multiplier of one axis whose network costs nearest to `target` (resource units).

    Cost is a staircase in the multiplier: the two treads about the target are found by bisection
    and the nearer one is taken. A latency is bisected all the same, from one timing to the next,
    and of all that were timed on the way the nearest is taken. `meter` reads the resource (None:
    `meter_of(budget)`). Raises UserError when the axis can't reach the target (resolution never
    changes parameters), and `UntimedError` with the network whose latency is needed next.

    Examples:
        >>> from scaling_search import Budget, count, scale
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.equal_cost import matched
        >>> b0 = zoo.get("efficientnet-b0")
        >>> wider = scale(b0, matched(b0, "width", 2.0 * count(b0).macs, Budget()))
        >>> round(count(wider).macs / count(b0).macs, 2)
        2.0
    """
    read = meter or meter_of(budget)
    if axis not in RESOURCES[budget.resource].axes:
        raise UserError(
            f"a {axis}-only rival needs a resource that grows with it, got {budget.resource!r}: "
            "budget in macs or activations"
        )
    if axis == "resolution":
        side = nearest_side(base, target, budget, read).resolution_px
        return along(axis, side / base.resolution_px)
    return _nearest(base, lambda multiplier: along(axis, multiplier), target, budget, read)


def on_ray(
    base: Network,
    coefficients: Coefficients,
    target: float,
    budget: Budget,
    meter: Meter | None = None,
) -> Multipliers:
    """The α^φ, β^φ, γ^φ of one φ whose network costs nearest to `target`; as `matched`.

    All three axes move together, so each rises with the target. Raises UserError for constants
    that scale nothing.

    Examples:
        >>> from scaling_search import Budget, Coefficients, count, scale
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.equal_cost import on_ray
        >>> b0, paper = zoo.get("efficientnet-b0"), Coefficients(1.2, 1.1, 1.15)
        >>> grown = scale(b0, on_ray(b0, paper, 2.0 * count(b0).macs, Budget()))
        >>> round(count(grown).macs / count(b0).macs, 2), grown.resolution_px
        (2.0, 241)
    """
    nominal = coefficients.nominal_growth
    if math.isclose(nominal, 1.0):
        raise UserError("constants of a nominal growth of 1 reach no other cost than the base's")

    def at(growth: float) -> Multipliers:
        return coefficients.at(math.log(growth) / math.log(nominal))

    return _nearest(base, at, target, budget, meter or meter_of(budget))


def _nearest(
    base: Network,
    at: Callable[[float], Multipliers],
    target: float,
    budget: Budget,
    read: Meter,
) -> Multipliers:
    """Of the networks that rise with a number, 1 being the base, the one nearest to the target."""

    def grown(multiplier: float) -> Network:
        return scale(base, at(multiplier))

    def cost_of(multiplier: float) -> float:
        try:
            return read(grown(multiplier))
        except UntimedError:
            raise
        except UserError:  # images too small for the strides: beyond the smallest there is
            return -math.inf

    cost = _Asked(cost_of)
    ends = _bracket(cost, target, RESOURCES[budget.resource].most_multiplier)
    return at(_plainest(grown, cost.nearest(target, ends)))


def nearest_side(
    architecture: Network, target: float, budget: Budget, meter: Meter | None = None
) -> Network:
    """The architecture at the side (pixels) whose cost is nearest to `target`; as `matched`.

    Examples:
        >>> from scaling_search import Budget, count
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.equal_cost import nearest_side
        >>> b0 = zoo.get("efficientnet-b0")
        >>> nearest_side(b0, 2.0 * count(b0).macs, Budget()).resolution_px
        309
    """
    read = meter or meter_of(budget)

    def at(side: float) -> Network:
        return scale_resolution(architecture, side / architecture.resolution_px)

    cost = _Asked(lambda side: read(at(side)))
    low, high = architecture.total_stride, architecture.resolution_px
    while cost(high) < target:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) < target else (low, middle)
    return at(cost.nearest(target, (low, high)))


class _Asked:
    """A cost that remembers what it was asked for."""

    def __init__(self, cost: Callable[[float], float]) -> None:
        self._cost, self._known = cost, dict[float, float]()

    def __call__(self, at: float) -> float:
        if at not in self._known:
            self._known[at] = self._cost(at)
        return self._known[at]

    def nearest(self, target: float, ends: tuple[float, float]) -> float:
        """Where the cost is nearest to the target: at an end of the bracket.

        Unless it is a time that one bad reading has led astray: then where it was on the way.
        """
        places = (*ends, *self._known)
        return min(places, key=lambda at: abs(self(at) - target))


def _bracket(cost: Callable[[float], float], target: float, most: float) -> tuple[float, float]:
    """Multipliers just below and just at the step that reaches the target."""
    low, high = LEAST_MULTIPLIER, 1.0
    while cost(high) < target:
        low, high = high, high * 2
        if high > most:
            raise UserError(f"growth must reach the budget by {most:g} ×, got {cost(low):.6g}")
    while high - low > 1e-7 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) < target else (low, middle)
    return low, high


def _plainest(grown: Callable[[float], Network], multiplier: float) -> float:
    """The multiplier with the fewest digits, near this one, that makes the same network."""
    same = grown(multiplier)
    for digits in range(1, 7):
        for nudge in (0, -1, 1):
            plain = round(multiplier + nudge * 10.0**-digits, digits)
            with suppress(UserError):  # too small for the strides
                if plain > 0 and grown(plain) == same:
                    return plain
    return multiplier
