"""The error of networks that differ in one dimension, by its size x and the training's compute t.

f(x, t) = α x^-a + (β x^b + ξ) t^-c + ε (arXiv 2305.13035, equation 2), all of it 0 or more. At one
t the best size is x* = (α a t^c / β b)^(1 / (a + b)), which grows as t^s with s = c / (a + b).
So s is asked for, with c and the part p = a / (a + b); the rest is non-negative least squares.

Sizes and compute are in units of their largest. A `bend` d lets the β term fall as
t^-(c + d log t), so that x* is no longer a power of t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy import optimize

from scaling_search.core.stats import Floats

COEFFICIENTS = 4
"""α, β, ξ, ε."""
EXPONENTS = np.geomspace(0.02, 4.0, 18)
"""Of x* in t, that are tried at first."""
PARTS = np.array([0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97])
"""Of a in a + b, likewise."""
LEARNING = np.geomspace(0.03, 3.0, 14)
"""Of c, likewise."""
_STEEPEST = 30.0  # beyond it a power is a step
_SMALLEST = 1e-12
_SUBSETS = tuple(
    subset
    for count in range(1, COEFFICIENTS + 1)
    for subset in combinations(range(COEFFICIENTS), count)
)


@dataclass(frozen=True, eq=False)
class Swept:
    """What one dimension's networks reached: n points of size x, compute t, score y, and weights.

    Sizes and compute are over those of the largest, and so at most 1.
    """

    x: Floats
    t: Floats
    y: Floats
    weights: Floats

    def rest(self, s: float, part: float, c: float, bend: float = 0.0) -> Floats:
        """What the best surface with these exponents leaves of each score, times √weight.

        Examples:
            >>> import numpy as np
            >>> from scaling_search.star.surface import Swept
            >>> x, t = np.repeat([0.25, 0.5, 1.0, 0.7], 3), np.tile([0.1, 0.3, 1.0], 4)
            >>> y = 0.2 * x**-1 + (0.1 * x + 0.1) * t**-0.5 + 0.1  # a = b = 1, s = 0.25
            >>> swept = Swept(x, t, y, np.ones(12))
            >>> bool(abs(swept.rest(s=0.25, part=0.5, c=0.5)).max() < 1e-9)
            True
        """
        root = np.sqrt(self.weights)
        columns = root[:, None] * _columns(self.x, self.t, s, part, c, bend)
        columns /= np.linalg.norm(columns, axis=0)
        coefficients, _ = optimize.nnls(columns, root * self.y)
        left: Floats = root * self.y - columns @ coefficients
        return left

    def fitted(self, s: float, part: float, c: float) -> Floats:
        """The scores that the best surface with these exponents has at the points."""
        scores: Floats = self.y - self.rest(s, part, c) / np.sqrt(self.weights)
        return scores

    def least(self) -> Floats:
        """The least loss for each of EXPONENTS × PARTS × LEARNING."""
        scaled = np.sqrt(self.weights) * self.y
        best = np.full(len(EXPONENTS) * len(PARTS) * len(LEARNING), np.inf)
        for q, inverse in self._bases:
            along = np.einsum("gnk,n->gk", q, scaled)
            coefficients = np.einsum("gkl,gl->gk", inverse, along)
            loss = float(scaled @ scaled) - (along**2).sum(axis=1)
            best = np.where((coefficients >= 0).all(axis=1), np.minimum(best, loss), best)
        least: Floats = np.maximum(best, 0.0)
        return least.reshape(len(EXPONENTS), len(PARTS), len(LEARNING))

    @cached_property
    def _bases(self) -> list[tuple[Floats, Floats]]:
        """Q and R^-1 of each choice of columns, for all places of the grid at once."""
        s, part, c = (
            each.reshape(-1, 1) for each in np.meshgrid(EXPONENTS, PARTS, LEARNING, indexing="ij")
        )
        columns = np.sqrt(self.weights)[None, :, None] * _columns(
            self.x[None], self.t[None], s, part, c, 0.0
        )
        columns /= np.linalg.norm(columns, axis=1, keepdims=True)
        pairs = []
        for subset in _SUBSETS:
            q, r = np.linalg.qr(columns[:, :, list(subset)])
            # Where two columns are one their coefficients are not told apart; the loss is right.
            lone = np.abs(np.einsum("gkk->gk", r)) < _SMALLEST
            r += _SMALLEST * np.einsum("gk,kl->gkl", lone, np.eye(len(subset)))
            pairs.append((q, np.linalg.inv(r)))
        return pairs


def _columns(
    x: Floats, t: Floats, s: Floats | float, part: Floats | float, c: Floats | float, bend: float
) -> Floats:
    """What α, β, ξ and ε are multiplied by, along a last axis."""
    a = np.minimum(part * c / s, _STEEPEST)
    b = np.minimum((1 - part) * c / s, _STEEPEST)
    falling = t**-c
    growing = x**b * falling * np.exp(-bend * np.log(t) ** 2)
    return np.stack(np.broadcast_arrays(x**-a, growing, falling, np.ones(1)), axis=-1)
