"""The interval of a multiplier within which rounding makes one and the same network."""

from __future__ import annotations

import math
from collections.abc import Callable

Bounds = tuple[float, float]
"""Both ends are inside."""

DIGITS = 4  # the ends are given so, rounded inwards


def interval_of(made: Callable[[float], object], value: float, bounds: Bounds) -> Bounds:
    """The multipliers within the bounds that make what `value` makes.

    `made` must be a staircase: what two multipliers make, all between them make. The ends are
    rounded to four digits behind the point, inwards, so that they still make it.

    Examples:
        >>> from scaling_search.arch.rounding import round_channels
        >>> from scaling_search.search.intervals import interval_of
        >>> interval_of(lambda width: round_channels(32, width), 1.2, bounds=(1.0, 2.0))
        (1.1112, 1.3749)
    """
    same = made(value)

    def holds(other: float) -> bool:
        return made(other) == same

    low, high = (_edge(holds, value, bound) for bound in bounds)
    return low, high


def _edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The farthest multiplier from `inside` towards `outside` for which it holds, rounded."""
    if inside == outside or holds(outside):
        return outside
    value, unit = inside, math.copysign(10.0**-DIGITS, outside - inside)
    while abs(outside - inside) > 10.0 ** -(DIGITS + 4):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    # Whether an edge such as 1.25 is inside itself, its own rounding rule says.
    nearest = round(outside, DIGITS)
    return next((e for e in (nearest, round(nearest - unit, DIGITS)) if holds(e)), value)
