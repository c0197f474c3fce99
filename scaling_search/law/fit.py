"""Fitting ε = ε∞ + β x^-c to the errors of networks by their sizes, by variable projection.

For a given exponent c the law is linear in ε∞ and β, which non-negative least squares gives; the
exponent alone is searched, on a grid and then between its neighbours (Golub, Pereyra 1973). Near
chance errors bend towards that of chance, ε₀, and M4 with α = 1 (arXiv 2209.06640, equation 4) is
fitted instead: (ε - ε∞) / (ε₀ - ε) = β x^-c, again linear in ε∞ and β once each residual is divided
by 1 + β x^-c, which makes it one of ε.

Sizes are in units of the largest. Notation: y errors, w weights, both of n networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from scaling_search.core.stats import Floats

PARAMETERS = 3
LEAST, MOST = 0.02, 4.0  # exponents; beyond them a law is flat, or a step
_GRID = np.geomspace(LEAST, MOST, 120)
_REWEIGHTED = 5
_SINGULAR = 1e-14  # of two columns: below it they are one
_FIXED = 1e6  # the weight of a point that a law must pass through, over the others' largest


@dataclass(frozen=True)
class Law:
    """The law: ε∞ (`floor`), β (`scale`) at the size `unit`, c (`exponent`); `chance` is ε₀ of M4
    (None: the power law). `loss` is the weighted sum of squares that is left.

    Examples:
        >>> from scaling_search.law.fit import Law
        >>> law = Law(floor=0.1, scale=0.2, exponent=0.5, unit=1e9, chance=None, loss=0.0)
        >>> round(law.error(1e9), 3), round(law.error(4e9), 3)
        (0.3, 0.2)
    """

    floor: float
    scale: float
    exponent: float
    unit: float
    chance: float | None
    loss: float

    def error(self, size: float) -> float:
        """The error at a size, in the unit that sizes were given in."""
        fallen = self.scale * math.pow(size / self.unit, -self.exponent)
        if self.chance is None:
            return self.floor + fallen
        return (self.floor + fallen * self.chance) / (1 + fallen)


def fit_law(sizes: Floats, errors: Floats, weights: Floats, chance: float | None = None) -> Law:
    """The law of least weighted squares; `chance` asks for M4.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.law.fit import fit_law
        >>> sizes = np.array([1.0, 2, 4, 8, 16])
        >>> law = fit_law(sizes, 0.1 + 0.3 * sizes**-0.5, np.ones(5))
        >>> round(law.floor, 3), round(law.exponent, 3)
        (0.1, 0.5)
    """
    x = sizes / sizes.max()
    exponent = _best_exponent(lambda c: project(c, x, errors, weights, chance)[0])
    least, floor, scale = project(exponent, x, errors, weights, chance)
    return Law(floor, scale, exponent, float(sizes.max()), chance, least)


def _best_exponent(loss: Callable[[float], float]) -> float:
    """Where a loss is least: on a grid, and then between the neighbours there."""
    losses = [loss(float(each)) for each in _GRID]
    best = int(np.argmin(losses))
    ends = np.log(_GRID[[max(best - 1, 0), min(best + 1, len(_GRID) - 1)]])
    minimum = optimize.minimize_scalar(
        lambda log_exponent: loss(math.exp(log_exponent)), bounds=tuple(ends), method="bounded"
    )
    return math.exp(minimum.x) if minimum.fun < losses[best] else float(_GRID[best])


def project(
    exponent: float, x: Floats, errors: Floats, weights: Floats, chance: float | None = None
) -> tuple[float, float, float]:
    """The least loss with this exponent, and its ε∞ and β, both 0 or more."""
    powers = x**-exponent
    if chance is None:
        return _nnls(np.ones_like(powers), powers, errors, weights)
    floor, scale = 0.0, 0.0
    for _ in range(_REWEIGHTED):
        relative_weights = weights / (1 + scale * powers) ** 2
        _, floor, scale = _nnls(
            np.ones_like(powers), powers * (chance - errors), errors, relative_weights
        )
    read = (floor + scale * powers * chance) / (1 + scale * powers)
    return float(weights @ (errors - read) ** 2), floor, scale


def loss_through(
    size: float, error: float, data: tuple[Floats, Floats, Floats], chance: float | None = None
) -> float:
    """The least loss of a law through an error at a size; `data` are those of `fit_law`."""
    sizes, errors, weights = data
    joined = (
        np.append(sizes, size),
        np.append(errors, error),
        np.append(weights, _FIXED * weights.max()),
    )
    law = fit_law(*joined, chance)
    left = np.array([law.error(float(each)) for each in sizes])
    return float(weights @ (errors - left) ** 2)


def loss_with_floor(floor: float, data: tuple[Floats, Floats, Floats]) -> float:
    """The least loss of a power law with this ε∞; `data` are those of `fit_law`."""
    sizes, errors, weights = data
    x, above = sizes / sizes.max(), errors - floor

    def loss(exponent: float) -> float:
        powers = x**-exponent
        scale = max(0.0, float(weights @ (powers * above)) / float(weights @ powers**2))
        return float(weights @ (above - scale * powers) ** 2)

    return loss(_best_exponent(loss))


def _nnls(first: Floats, second: Floats, y: Floats, weights: Floats) -> tuple[float, float, float]:
    """Non-negative least squares of two columns: the loss, and both coefficients.

    `scipy.optimize.nnls` gives the same at thirty times the time, and a fit asks for hundreds.
    """
    u, v = weights * first, weights * second
    uu, vv, uv, uy, vy = (
        float(a @ b) for a, b in ((u, first), (v, second), (u, second), (u, y), (v, y))
    )
    total = float(weights @ y**2)
    determinant = uu * vv - uv**2
    if determinant > _SINGULAR * uu * vv:
        a, b = (vv * uy - uv * vy) / determinant, (uu * vy - uv * uy) / determinant
        if a >= 0 and b >= 0:
            left = y - a * first - b * second
            return float(weights @ left**2), a, b
    lone, other = max(uy / uu, 0.0), max(vy / vv, 0.0) if vv > 0 else 0.0
    of_first, of_second = total - lone * uy, total - other * vy
    return (of_first, lone, 0.0) if of_first <= of_second else (of_second, 0.0, other)
