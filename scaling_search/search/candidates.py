"""The distinct networks that a grid of (α, β, γ) makes of a base network under a budget."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import (
    Coefficients,
    scale,
    scale_depth,
    scale_resolution,
    scale_width,
)
from scaling_search.core.errors import UserError
from scaling_search.core.stats import Floats
from scaling_search.cost.analytic import Cost, count
from scaling_search.search.intervals import Bounds, interval_of
from scaling_search.search.resources import RESOURCES, Meter, UntimedError, gathered, meter_of
from scaling_search.search.shares import Shares, growth_shares
from scaling_search.search.space import NOISE, Axis, Budget, Space

__all__ = ["Budget", "Candidate", "Space", "candidates", "grid_points"]

CandidateIndices = NDArray[np.intp]

# Timings scatter, so a bisection may stop a network off the crossing: so far beyond it is timed.
_BEYOND = 1


@dataclass(frozen=True)
class Candidate:
    """One distinct network of the space, and all that makes it.

    `coefficients` is the grid point, of the `points` that make this network, whose nominal growth
    is nearest the budget's; the intervals are those within the space that rounding makes the same
    network of. `growth` is real, in the budget's resource, and `shares` are how depth, width and
    resolution share the real growth in MACs.

    Examples:
        >>> from scaling_search import Budget, candidates
        >>> from scaling_search.arch import zoo
        >>> finer = candidates(zoo.get("efficientnet-b0"), Budget(growth=2.0))[0]
        >>> finer.name, finer.architecture.resolution_px, round(finer.growth, 2)
        ('α1 β1 γ1.35', 302, 1.9)
        >>> finer.alpha, finer.beta, finer.gamma
        ((1.0, 1.0), (1.0, 1.0031), (1.346, 1.3504))
    """

    architecture: Network
    coefficients: Coefficients
    alpha: Bounds
    beta: Bounds
    gamma: Bounds
    points: int
    cost: Cost
    growth: float
    shares: Shares

    @property
    def name(self) -> str:
        """The network's name, unique among the candidates of one base."""
        return self.architecture.name


@dataclass(frozen=True)
class _Points:
    """The grid, one entry a point; equal `network` numbers are equal networks."""

    alpha: Floats
    beta: Floats
    gamma: Floats
    network: CandidateIndices

    @property
    def nominal(self) -> Floats:
        return self.alpha * self.beta**2 * self.gamma**2

    def at(self, index: int) -> Coefficients:
        return Coefficients(*(float(axis[index]) for axis in (self.alpha, self.beta, self.gamma)))


def candidates(
    base: Network, budget: Budget, space: Space | None = None, meter: Meter | None = None
) -> tuple[Candidate, ...]:
    """Every distinct network of the space under the budget, in order of depth, width, pixels.

    Of sides that the strides turn into the same maps, the finest alone is on the grid.
    `meter` reads the budget's resource (None: `meter_of(budget)`). Raises UserError when there is
    no candidate, with the nearest growth that the space offers, and `UntimedError` with the
    networks whose latency must be known before more can be said.

    Examples:
        >>> from scaling_search import Budget, candidates
        >>> from scaling_search.arch import zoo
        >>> budget = Budget(resource="macs", growth=2.0, tolerance=0.05)
        >>> distinct = candidates(zoo.get("efficientnet-b0"), budget)
        >>> len(distinct), all(1.9 <= candidate.growth <= 2.1 for candidate in distinct)
        (20, True)
    """
    space, read = space or Space(), meter or meter_of(budget)
    grid = _grid(base, space)
    admitted = np.flatnonzero(_admitted(base, budget, grid, read))
    if not len(admitted):
        raise _none(base, budget, grid, read)
    # Within each network the point that is nominally nearest to the budget comes first.
    off = np.abs(grid.nominal[admitted] - budget.growth)
    ordered = admitted[np.lexsort((off, grid.network[admitted]))]
    starts = np.flatnonzero(np.diff(grid.network[ordered], prepend=-1))
    groups = np.split(ordered, starts[1:])
    make = _Maker(base, space, grid, read)
    return tuple(gathered(partial(make, points) for points in groups))


@dataclass(frozen=True)
class _Maker:
    """Makes the candidate of grid points that are one network; an interval is found once."""

    base: Network
    space: Space
    grid: _Points
    read: Meter
    intervals: dict[tuple[str, float], Bounds] = field(default_factory=dict)

    def __call__(self, points: CandidateIndices) -> Candidate:
        point = self.grid.at(int(points[0]))
        name = f"α{point.alpha:.10g} β{point.beta:.10g} γ{point.gamma:.10g}"
        architecture = scale(self.base, point.at(1.0)).with_name(name)
        return Candidate(
            architecture,
            point,
            alpha=self._interval("alpha", point.alpha),
            beta=self._interval("beta", point.beta),
            gamma=self._interval("gamma", point.gamma),
            points=len(points),
            cost=count(architecture),
            growth=self.read(architecture) / self.read(self.base),
            shares=growth_shares(self.base, point),
        )

    def _interval(self, constant: Literal["alpha", "beta", "gamma"], value: float) -> Bounds:
        if (constant, value) not in self.intervals:
            axis: Axis = getattr(self.space, constant)
            made = partial(_SCALED[constant], self.base)
            bounds = interval_of(made, value, (axis.low, axis.high))
            self.intervals[constant, value] = bounds
        return self.intervals[constant, value]


_SCALED: dict[str, Callable[[Network, float], Network]] = {
    "alpha": scale_depth,
    "beta": scale_width,
    "gamma": scale_resolution,
}


def grid_points(base: Network, budget: Budget, space: Space | None = None) -> int:
    """How many grid points satisfy the budget, before equal networks are told apart.

    Examples:
        >>> from scaling_search import Budget, candidates
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.candidates import grid_points
        >>> b0 = zoo.get("efficientnet-b0")
        >>> grid_points(b0, Budget(growth=2.0)), len(candidates(b0, Budget(growth=2.0)))
        (45, 20)
    """
    grid = _grid(base, space or Space())
    return int(_admitted(base, budget, grid, meter_of(budget)).sum())


def _grid(base: Network, space: Space) -> _Points:
    alphas, betas = space.alpha.values(), space.beta.values()
    gammas = _distinct_sides(base, space.gamma.values())
    depth = _kinds(alphas, lambda v: scale_depth(base, v))
    width = _kinds(betas, lambda v: scale_width(base, v))
    side = _kinds(gammas, lambda v: scale_resolution(base, v).resolution_px)
    network = (depth[:, None, None] * len(betas) + width[:, None]) * len(gammas) + side
    axes = np.meshgrid(np.array(alphas), np.array(betas), np.array(gammas), indexing="ij")
    alpha, beta, gamma = (axis.ravel() for axis in axes)
    return _Points(alpha, beta, gamma, network.ravel())


def _distinct_sides(base: Network, gammas: Sequence[float]) -> list[float]:
    """The values without those whose maps a finer one has too: such networks differ in nothing."""
    scaled = {gamma: scale_resolution(base, gamma) for gamma in gammas}
    finest = {count(network): network.resolution_px for network in scaled.values()}
    return [g for g, network in scaled.items() if finest[count(network)] == network.resolution_px]


def _kinds(values: Sequence[float], made: Callable[[float], object]) -> CandidateIndices:
    """For each value the index of the first one that makes the same."""
    first: dict[object, int] = {}
    return np.array([first.setdefault(made(value), i) for i, value in enumerate(values)], np.intp)


def _admitted(base: Network, budget: Budget, grid: _Points, read: Meter) -> NDArray[np.bool_]:
    if budget.constraint == "nominal":
        return np.abs(grid.nominal - budget.growth) <= budget.tolerance
    return np.isin(grid.network, _within(base, budget, grid, read))


def _within(base: Network, budget: Budget, grid: _Points, read: Meter) -> CandidateIndices:
    """The networks whose real growth is within the tolerance.

    For one depth and width the cost rises with the side, so the admitted sides are found by
    bisection and not by counting each.
    """
    target = read(base) * budget.growth
    low = target * (1 - budget.tolerance) * (1 - NOISE)
    high = target * (1 + budget.tolerance) * (1 + NOISE)
    choose = _timed_between if RESOURCES[budget.resource].is_timed else _between
    _, distinct = np.unique(grid.network, return_index=True)
    same = (np.diff(grid.alpha[distinct]) == 0) & (np.diff(grid.beta[distinct]) == 0)
    sides = np.split(distinct, np.flatnonzero(~same) + 1)
    rows_within = gathered(
        partial(choose, rows, low, high, _reader(base, grid, rows, read)) for rows in sides
    )
    return grid.network[np.concatenate(rows_within)]


def _reader(
    base: Network, grid: _Points, rows: CandidateIndices, read: Meter
) -> Callable[[int], float]:
    """How to read the network of a row of the grid; all `rows` share depth and width."""
    point = grid.at(int(rows[0]))
    wide = scale_width(scale_depth(base, point.alpha), point.beta)
    return lambda row: read(scale_resolution(wide, float(grid.gamma[row])))


def _between(
    rows: CandidateIndices, low: float, high: float, cost: Callable[[int], float]
) -> CandidateIndices:
    begin = bisect_left(rows, low, key=cost)
    return rows[begin : bisect_right(rows, high, key=cost)]


def _timed_between(
    rows: CandidateIndices, low: float, high: float, cost: Callable[[int], float]
) -> CandidateIndices:
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
    """The real growth of some networks of the grid; of timed ones those that are known."""
    _, distinct = np.unique(grid.network, return_index=True)
    step = max(1, len(distinct) // RESOURCES[budget.resource].looked_at)
    for row in distinct[::step]:
        with suppress(UntimedError):
            yield read(scale(base, grid.at(int(row)).at(1.0))) / read(base)
