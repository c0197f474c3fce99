"""The distinct networks that a grid of (α, β, γ) makes of a base network under a budget."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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
from scaling_search.search.space import NOISE, Budget, Space

__all__ = ["Budget", "Candidate", "Space", "candidates", "grid_points"]

Interval = tuple[float, float]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


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


def candidates(base: Network, budget: Budget, space: Space | None = None) -> tuple[Candidate, ...]:
    """Every distinct network of the space under the budget, in order of depth, width, pixels.

    Raises UserError when there is none, with the nearest growth that the space offers.
    """
    grid = _grid(base, space or Space())
    admitted = np.flatnonzero(_admitted(base, budget, grid))
    if not len(admitted):
        raise _none(base, budget, grid)
    # Within each network the point that is nominally nearest to the budget comes first.
    off = np.abs(grid.nominal[admitted] - budget.growth)
    ordered = admitted[np.lexsort((off, grid.network[admitted]))]
    starts = np.flatnonzero(np.diff(grid.network[ordered], prepend=-1))
    return tuple(_candidate(base, budget, grid, points) for points in np.split(ordered, starts[1:]))


def grid_points(base: Network, budget: Budget, space: Space | None = None) -> int:
    """How many grid points satisfy the budget, before equal networks are told apart."""
    return int(_admitted(base, budget, _grid(base, space or Space())).sum())


def _candidate(base: Network, budget: Budget, grid: _Points, points: Indices) -> Candidate:
    point = grid.at(int(points[0]))
    name = f"α{point.alpha:.10g} β{point.beta:.10g} γ{point.gamma:.10g}"
    architecture = scale(base, point.at(1.0)).with_name(name)
    cost = count(architecture)
    alpha, beta, gamma = (_span(axis[points]) for axis in (grid.alpha, grid.beta, grid.gamma))
    growth = budget.of(cost) / budget.of(count(base))
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


def _admitted(base: Network, budget: Budget, grid: _Points) -> NDArray[np.bool_]:
    if budget.constraint == "nominal":
        return np.abs(grid.nominal - budget.growth) <= budget.tolerance
    return np.isin(grid.network, list(_within(base, budget, grid)))


def _within(base: Network, budget: Budget, grid: _Points) -> Iterator[int]:
    """The networks whose real growth is within the tolerance.

    For one depth and width the cost rises with the side, so the admitted sides are found by
    bisection and not by counting each.
    """
    target = budget.of(count(base)) * budget.growth
    low = target * (1 - budget.tolerance) * (1 - NOISE)
    high = target * (1 + budget.tolerance) * (1 + NOISE)
    _, distinct = np.unique(grid.network, return_index=True)
    same = (np.diff(grid.alpha[distinct]) == 0) & (np.diff(grid.beta[distinct]) == 0)
    for rows in np.split(distinct, np.flatnonzero(~same) + 1):
        point = grid.at(int(rows[0]))
        wide = scale_width(scale_depth(base, point.alpha), point.beta)

        def cost(row: int, wide: Network = wide) -> int:
            return budget.of(count(scale_resolution(wide, float(grid.gamma[row]))))

        begin = bisect_left(rows, low, key=cost)
        yield from grid.network[rows[begin : bisect_right(rows, high, key=cost)]].tolist()


def _none(base: Network, budget: Budget, grid: _Points) -> UserError:
    """What to say when no network fits: the growth that comes nearest."""
    if budget.constraint == "nominal":
        growths = grid.nominal.tolist()
    else:
        _, distinct = np.unique(grid.network, return_index=True)
        step = max(1, len(distinct) // 1000)  # enough to name a near one without counting millions
        sampled = (scale(base, grid.at(int(row)).at(1.0)) for row in distinct[::step])
        growths = [budget.of(count(each)) / budget.of(count(base)) for each in sampled]
    nearest = min(growths, key=lambda growth: abs(growth - budget.growth))
    return UserError(
        f"a candidate's {budget.constraint} growth in {budget.resource} must be within "
        f"{budget.tolerance:g} of {budget.growth:g}, got {nearest:.3f} at the nearest: "
        "widen the space, refine its steps or raise the tolerance"
    )
