"""Networks grown along one axis alone until they cost what is asked, as nearly as rounding lets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, assert_never

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Multipliers, scale, scale_resolution
from scaling_search.cost.analytic import count
from scaling_search.errors import UserError
from scaling_search.search.space import Budget

Axis = Literal["depth", "width", "resolution"]
AXES: tuple[Axis, ...] = ("depth", "width", "resolution")
MOST = 1024.0


def along(axis: Axis, multiplier: float) -> Multipliers:
    """The multipliers that grow one axis alone."""
    match axis:
        case "depth":
            return Multipliers(multiplier, 1.0, 1.0)
        case "width":
            return Multipliers(1.0, multiplier, 1.0)
        case "resolution":
            return Multipliers(1.0, 1.0, multiplier)
        case _:
            assert_never(axis)


def matched(base: Network, axis: Axis, target: float, budget: Budget) -> Multipliers:
    """The multiplier of one axis whose network costs nearest to `target` (resource units).

    Cost is a staircase in the multiplier: the two treads about the target are found by bisection
    and the nearer one is taken. Raises UserError when the axis can't reach the target (resolution
    never changes parameters).
    """
    if axis == "resolution":
        if budget.resource == "params":
            raise UserError(
                "a resolution-only rival needs a resource that grows with it, got 'params': "
                "budget in macs or activations"
            )
        side = nearest_side(base, target, budget).resolution_px
        return along(axis, side / base.resolution_px)

    def cost(multiplier: float) -> int:
        return budget.of(count(scale(base, along(axis, multiplier))))

    low, high = _bracket(cost, target)
    best = min((low, high), key=lambda multiplier: abs(cost(multiplier) - target))
    return along(axis, _plainest(cost, best))


def nearest_side(architecture: Network, target: float, budget: Budget) -> Network:
    """The architecture at the side (pixels) whose cost is nearest to `target`."""

    def at(side: int) -> Network:
        return scale_resolution(architecture, side / architecture.resolution_px)

    low, high = architecture.total_stride, architecture.resolution_px
    while budget.of(count(at(high))) < target:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if budget.of(count(at(middle))) < target else (low, middle)
    return min((at(low), at(high)), key=lambda a: abs(budget.of(count(a)) - target))


def _bracket(cost: Callable[[float], int], target: float) -> tuple[float, float]:
    """Multipliers just below and just at the step that reaches the target."""
    low, high = 1.0 / MOST, 1.0
    while cost(high) < target:
        low, high = high, high * 2
        if high > MOST:
            raise UserError(f"one axis must reach the budget by {MOST:g} ×, got {cost(low)}")
    while high - low > 1e-7 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) < target else (low, middle)
    return low, high


def _plainest(cost: Callable[[float], int], multiplier: float) -> float:
    """The multiplier with the fewest digits, near this one, whose network costs the same."""
    same = cost(multiplier)
    for digits in range(1, 7):
        for nudge in (0, -1, 1):
            plain = round(multiplier + nudge * 10.0**-digits, digits)
            if plain > 0 and cost(plain) == same:
                return plain
    return multiplier
