"""The distinct networks that a grid of (α, β, γ) makes of a base network under a budget."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import (
    Coefficients,
    scale,
    scale_depth,
    scale_resolution,
    scale_width,
)
from scaling_search.cost.analytic import Cost, count
from scaling_search.errors import UserError
from scaling_search.search.resources import Meter, UntimedError, gathered, meter_of
from scaling_search.search.space import NOISE, Budget, Resource, Space

__all__ = ["Budget", "Candidate", "Space", "candidates", "grid_points"]

Interval = tuple[float, float]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# How many networks are looked at to name one that is near the budget when none keeps it. A peak
# of memory takes a tenth of a second; of latencies only those that are known count.
_LOOKED_AT: dict[Resource, int] = {"memory": 50}
_LOOKED_AT_OTHERS = 1000
# Timings scatter, so a bisection may stop a network off the crossing: so far beyond it is timed.
_BEYOND = 1


@dataclass(frozen=True)
class Candidate:
    """One distinct network of the space, and all that makes it.

    `coefficients` is the grid point, of those that make this network, whose nominal growth is
    nearest the budget's; the intervals span all of them (`points` many). `growth` is real, in the
    budget's resource.
    """

    architecture: Network
    coefficients: Coefficients
    alpha: Interval
    beta: Interval
    gamma: Interval
    points: int
    cost: Cost
    growth: float

    @property
    def name(self) -> str:
        """The network's name, unique among the candidates of one base."""
        return self.architecture.name

    @cached_property
    def shares(self) -> tuple[float, float, float]:
        """How much of the nominal growth comes from depth, width and resolution, in doublings."""
        point = self.coefficients
        return math.log2(point.alpha), 2 * math.log2(point.beta), 2 * math.log2(point.gamma)


@dataclass(frozen=True)
class _Points:
    """The grid, one entry a point; equal `network` numbers are equal networks."""

    alpha: Floats
    beta: Floats
    gamma: Floats
    network: Indices

    @property
    def nominal(self) -> Floats:
        return self.alpha * self.beta**2 * self.gamma**2

    def at(self, index: int) -> Coefficients:
        return Coefficients(*(float(axis[index]) for axis in (self.alpha, self.beta, self.gamma)))


def candidates(
    base: Network, budget: Budget, space: Space | None = None, meter: Meter | None = None
) -> tuple[Candidate, ...]:
    """Every distinct network of the space under the budget, in order of depth, width, pixels.

    `meter` reads the budget's resource (None: `meter_of(budget)`). Raises UserError when there is
    no candidate, with the nearest growth that the space offers, and `UntimedError` with the
    networks whose latency must be known before more can be said.
    """
    grid, read = _grid(base, space or Space()), meter or meter_of(budget)
    admitted = np.flatnonzero(_admitted(base, budget, grid, read))
    if not len(admitted):
        raise _none(base, budget, grid, read)
    # Within each network the point that is nominally nearest to the budget comes first.
    off = np.abs(grid.nominal[admitted] - budget.growth)
    ordered = admitted[np.lexsort((off, grid.network[admitted]))]
    starts = np.flatnonzero(np.diff(grid.network[ordered], prepend=-1))
    groups = np.split(ordered, starts[1:])
    return tuple(gathered(partial(_candidate, base, read, grid, points) for points in groups))


def grid_points(base: Network, budget: Budget, space: Space | None = None) -> int:
    """How many grid points satisfy the budget, before equal networks are told apart."""
    grid = _grid(base, space or Space())
    return int(_admitted(base, budget, grid, meter_of(budget)).sum())


def _candidate(base: Network, read: Meter, grid: _Points, points: Indices) -> Candidate:
    point = grid.at(int(points[0]))
    name = f"α{point.alpha:.10g} β{point.beta:.10g} γ{point.gamma:.10g}"
    architecture = scale(base, point.at(1.0)).with_name(name)
    cost = count(architecture)
    alpha, beta, gamma = (_span(axis[points]) for axis in (grid.alpha, grid.beta, grid.gamma))
    growth = read(architecture) / read(base)
    return Candidate(architecture, point, alpha, beta, gamma, len(points), cost, growth)


def _span(values: Floats) -> Interval:
    return float(values.min()), float(values.max())


def _grid(base: Network, space: Space) -> _Points:
    alphas, betas, gammas = (a.values() for a in (space.alpha, space.beta, space.gamma))
    depth = _kinds(alphas, lambda v: scale_depth(base, v))
    width = _kinds(betas, lambda v: scale_width(base, v))
    side = _kinds(gammas, lambda v: scale_resolution(base, v).resolution_px)
    network = (depth[:, None, None] * len(betas) + width[:, None]) * len(gammas) + side
    axes = np.meshgrid(np.array(alphas), np.array(betas), np.array(gammas), indexing="ij")
    alpha, beta, gamma = (axis.ravel() for axis in axes)
    return _Points(alpha, beta, gamma, network.ravel())


def _kinds(values: Sequence[float], made: Callable[[float], object]) -> Indices:
    """For each value the index of the first one that makes the same."""
    first: dict[object, int] = {}
    return np.array([first.setdefault(made(value), i) for i, value in enumerate(values)], np.intp)


def _admitted(base: Network, budget: Budget, grid: _Points, read: Meter) -> NDArray[np.bool_]:
    if budget.constraint == "nominal":
        return np.abs(grid.nominal - budget.growth) <= budget.tolerance
    return np.isin(grid.network, _within(base, budget, grid, read))


def _within(base: Network, budget: Budget, grid: _Points, read: Meter) -> Indices:
    """The networks whose real growth is within the tolerance.

    For one depth and width the cost rises with the side, so the admitted sides are found by
    bisection and not by counting each.
    """
    target = read(base) * budget.growth
    low = target * (1 - budget.tolerance) * (1 - NOISE)
    high = target * (1 + budget.tolerance) * (1 + NOISE)
    choose = _timed_between if budget.resource == "latency" else _between
    _, distinct = np.unique(grid.network, return_index=True)
    same = (np.diff(grid.alpha[distinct]) == 0) & (np.diff(grid.beta[distinct]) == 0)
    sides = np.split(distinct, np.flatnonzero(~same) + 1)
    found = gathered(
        partial(choose, rows, low, high, _reader(base, grid, rows, read)) for rows in sides
    )
    return grid.network[np.concatenate(found)]


def _reader(base: Network, grid: _Points, rows: Indices, read: Meter) -> Callable[[int], float]:
    """How to read the network of a row of the grid; all `rows` share depth and width."""
    point = grid.at(int(rows[0]))
    wide = scale_width(scale_depth(base, point.alpha), point.beta)
    return lambda row: read(scale_resolution(wide, float(grid.gamma[row])))


def _between(rows: Indices, low: float, high: float, cost: Callable[[int], float]) -> Indices:
    begin = bisect_left(rows, low, key=cost)
    return rows[begin : bisect_right(rows, high, key=cost)]


def _timed_between(rows: Indices, low: float, high: float, cost: Callable[[int], float]) -> Indices:
    """As `_between`, but each row is in for its own time, and the neighbours are timed too."""
    ends = [partial(bisect_left, rows, low, key=cost), partial(bisect_right, rows, high, key=cost)]
    begin, end = gathered(ends)
    # The bisection has read the rows `begin - 1` and `end`: they are out.
    near = rows[max(0, begin - 1 - _BEYOND) : end + 1 + _BEYOND]
    costs = gathered(partial(cost, row) for row in near)
    return near[[low <= each <= high for each in costs]]


def _none(base: Network, budget: Budget, grid: _Points, read: Meter) -> UserError:
    """What to say when no network fits: the growth that comes nearest."""
    nominal = budget.constraint == "nominal"
    growths = grid.nominal.tolist() if nominal else _growths(base, budget, grid, read)
    nearest = min(growths, key=lambda growth: abs(growth - budget.growth))
    return UserError(
        f"a candidate's {budget.constraint} growth in {budget.resource} must be within "
        f"{budget.tolerance:g} of {budget.growth:g}, got {nearest:.3f} at the nearest: "
        "widen the space, refine its steps or raise the tolerance"
    )


def _growths(base: Network, budget: Budget, grid: _Points, read: Meter) -> Iterator[float]:
    """The real growth of some networks of the grid."""
    _, distinct = np.unique(grid.network, return_index=True)
    step = max(1, len(distinct) // _LOOKED_AT.get(budget.resource, _LOOKED_AT_OTHERS))
    for row in distinct[::step]:
        with suppress(UntimedError):
            yield read(scale(base, grid.at(int(row)).at(1.0))) / read(base)
