"""All dimensions of a star fitted together: their own surfaces, and one rate c of learning.

Variable projection: least squares over s and p of each dimension and c, from the best places of a
grid, the linear coefficients solved inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import optimize

from scaling_search.core.stats import Floats
from scaling_search.star.surface import EXPONENTS, LEARNING, PARTS, Swept

Tie = Callable[[Floats], float]
"""What the exponent of one dimension is, by those of the others."""
OF_A_DIMENSION = 6
"""Parameters of a dimension's surface: s, p, α, β, ξ, ε."""
_STARTS = 2  # places of the grid from which the fit sets out
_EXPONENT_ENDS, _C_ENDS, _LOGIT, _BEND = (0.01, 8.0), (0.02, 4.0), 4.5, 1.0
_INSIDE = 1e-6


@dataclass(frozen=True, eq=False)
class Surfaces:
    """A fit: s and p of each dimension, c, how its β terms bend, and the loss that is left."""

    exponents: Floats
    parts: Floats
    learning: float
    bends: Floats
    loss: float


@dataclass(frozen=True, eq=False)
class Star:
    """The sweeps of a star, a dimension each, and how many points they are.

    A point of the centre stands in each sweep and is counted once.
    """

    sweeps: tuple[Swept, ...]
    points: int

    @property
    def freedom(self) -> int:
        """Points beyond the parameters."""
        return self.points - OF_A_DIMENSION * len(self.sweeps) - 1

    @cached_property
    def best(self) -> Surfaces:
        """The surfaces of least loss."""
        fits = [self._refined(start) for start in self._starts(None)]
        return min(fits, key=lambda each: each.loss)

    def with_exponent(self, dimension: int, s: float, near: Surfaces) -> Surfaces:
        """The best surfaces with this exponent of a dimension; `near` is one to set out from."""
        starts = [near, *self._starts((dimension, s))]
        fits = [self._refined(each, (dimension, lambda _: s)) for each in starts]
        return min(fits, key=lambda each: each.loss)

    def tied(self, dimension: int, tie: Tie, near: Surfaces) -> Surfaces:
        """The best surfaces where the exponent of a dimension hangs on the others'."""
        return self._refined(near, (dimension, tie))

    def bent(self, *, alike: bool) -> Surfaces:
        """The best surfaces whose β terms bend, all `alike` or each by itself."""
        count = 1 if alike else len(self.sweeps)
        return self._refined(self.best, bends=count)

    def _starts(self, fixed: tuple[int, float] | None) -> list[Surfaces]:
        """The best places of the grid at the values of c where all together lose least."""
        losses = [self._at(dimension, fixed) for dimension in range(len(self.sweeps))]
        together = sum(loss.min(axis=(0, 1)) for loss in losses)
        return [
            self._place(losses, int(c), fixed) for c in np.argsort(np.asarray(together))[:_STARTS]
        ]

    def _at(self, dimension: int, fixed: tuple[int, float] | None) -> Floats:
        losses = self._losses[dimension]
        if fixed is None or fixed[0] != dimension:
            return losses
        nearest = int(np.abs(np.log(EXPONENTS / fixed[1])).argmin())
        return losses[nearest : nearest + 1]

    @cached_property
    def _losses(self) -> list[Floats]:
        return [swept.least() for swept in self.sweeps]

    def _place(self, losses: Sequence[Floats], c: int, fixed: tuple[int, float] | None) -> Surfaces:
        places = [np.unravel_index(loss[:, :, c].argmin(), loss.shape[:2]) for loss in losses]
        exponents = np.array([EXPONENTS[s] for s, _ in places])
        if fixed is not None:
            exponents[fixed[0]] = fixed[1]
        parts = np.array([PARTS[part] for _, part in places])
        none = np.zeros(len(places))
        return Surfaces(exponents, parts, float(LEARNING[c]), none, float("inf"))

    def _refined(
        self, start: Surfaces, tie: tuple[int, Tie] | None = None, bends: int = 0
    ) -> Surfaces:
        numbers = _Numbers(len(self.sweeps), tie, bends)
        low, high = numbers.bounds
        begin = np.clip(numbers.of(start), low + _INSIDE, high - _INSIDE)

        def left(values: Floats) -> Floats:
            at = numbers.read(values)
            parameters = zip(self.sweeps, at.exponents, at.parts, at.bends, strict=True)
            return np.concatenate([w.rest(s, p, at.learning, d) for w, s, p, d in parameters])

        solution = optimize.least_squares(
            left,
            begin,
            bounds=(low, high),
            x_scale=0.3,
            diff_step=np.full(len(begin), 1e-4),
            max_nfev=30,
            xtol=1e-5,
            ftol=1e-7,
        )
        return replace(numbers.read(solution.x), loss=2 * float(solution.cost))


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Surfaces as unbounded numbers: log s (but for a tied one), logit p, log c, bends."""

    dimensions: int
    tie: tuple[int, Tie] | None
    bends: int

    @property
    def _free(self) -> list[int]:
        tied = None if self.tie is None else self.tie[0]
        return [each for each in range(self.dimensions) if each != tied]

    @property
    def bounds(self) -> tuple[Floats, Floats]:
        free, all_ = len(self._free), self.dimensions
        low, high = (
            np.array([np.log(_EXPONENT_ENDS[end])] * free + [sign * _LOGIT] * all_)
            for end, sign in ((0, -1), (1, 1))
        )
        bend = [_BEND] * self.bends
        return (
            np.array([*low, np.log(_C_ENDS[0]), *(-each for each in bend)]),
            np.array([*high, np.log(_C_ENDS[1]), *bend]),
        )

    def of(self, surfaces: Surfaces) -> Floats:
        parts = surfaces.parts
        return np.array(
            [
                *np.log(surfaces.exponents[self._free]),
                *np.log(parts / (1 - parts)),
                np.log(surfaces.learning),
                *surfaces.bends[: self.bends],
            ]
        )

    def read(self, values: Floats) -> Surfaces:
        free = len(self._free)
        exponents = np.empty(self.dimensions)
        exponents[self._free] = np.exp(values[:free])
        if self.tie is not None:
            dimension, tie = self.tie
            exponents[dimension] = tie(exponents[self._free])
        after = free + self.dimensions
        parts = 1 / (1 + np.exp(-values[free:after]))
        bends = np.zeros(self.dimensions)
        if self.bends:
            bends[:] = values[after + 1 :]
        return Surfaces(exponents, parts, float(np.exp(values[after])), bends, float("inf"))
