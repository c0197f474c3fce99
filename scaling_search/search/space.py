"""The budget a candidate must keep, and the grid of constants that is searched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from scaling_search.core.errors import require

Resource = Literal["macs", "params", "activations", "memory", "latency"]
Constraint = Literal["measured", "nominal"]

# An axis from 1 to 1.5 by 0.1 must end at 1.5 although 5 · 0.1 falls short of it in binary.
NOISE = 1e-9

# Ten times what anybody needs: 215 values on each axis.
MOST_POINTS = 10_000_000


@dataclass(frozen=True)
class Budget:
    """What a candidate may cost.

    `measured`: the built network's real growth in the resource over the base lies within
    `tolerance` (a fraction) of `growth`. `nominal`: |α·β²·γ² − growth| ≤ tolerance, the paper's
    constraint (EfficientNet, equation 3), under which the real growth differs by up to 70 %.

    MACs, parameters and activations are those of one image. `memory` (the peak, in bytes) and
    `latency` (time per image) are those of the study's timing regime: inference of one image
    unless it says otherwise; what a GPU's memory limits is `task = "training"` at the batch of the
    recipe. Latency is measured on this machine, beside the base; see `search.resources`.
    A growth below 1 asks how a network
    should shrink. Raises UserError for a growth of 1, or a tolerance outside (0, 0.5).

    Examples:
        >>> from scaling_search import Budget
        >>> twice_the_parameters = Budget(resource="params", growth=2.0, tolerance=0.02)
        >>> Budget(tolerance=0.9)
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: growth tolerance must lie in (0, 0.5), got 0.9
    """

    resource: Resource = "macs"
    growth: float = 2.0
    tolerance: float = 0.05
    constraint: Constraint = "measured"

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        growth = self.growth
        sound = 0 < growth < math.inf and growth != 1
        require(sound, "growth must be positive, finite and other than 1", growth)
        require(0 < self.tolerance < 0.5, "growth tolerance must lie in (0, 0.5)", self.tolerance)


@dataclass(frozen=True)
class Axis:
    """An evenly spaced range of one constant, both ends included; its values are positive.

    Examples:
        >>> from scaling_search.search.space import Axis
        >>> Axis(1.0, 1.2, 0.05).values()
        [1.0, 1.05, 1.1, 1.15, 1.2]
    """

    low: float
    high: float
    step: float

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError unless 0 < low ≤ high < ∞ and step > 0."""
        require(self.low > 0, "α, β and γ are positive", self.low)
        rule = f"an axis that starts at {self.low:g} must end there or above"
        require(self.low <= self.high < math.inf, rule, self.high)
        require(0 < self.step < math.inf, "an axis needs a positive step", self.step)

    def moves(self, growth: float) -> bool:
        """Whether none of its values moves a network away from such a growth."""
        return self.low >= 1 if growth > 1 else self.high <= 1

    @property
    def length(self) -> float:
        """How many values there are; infinite where a step is too small to count them."""
        steps = (self.high - self.low) / self.step + NOISE
        return math.floor(steps) + 1 if math.isfinite(steps) else math.inf

    def values(self) -> list[float]:
        """The values, rounded so that 1 + 3 · 0.05 is 1.15."""
        return [round(self.low + i * self.step, 10) for i in range(int(self.length))]


@dataclass(frozen=True)
class Space:
    """The grid that is searched; the default spans single-axis growth of 2 to compound growth.

    Examples:
        >>> from scaling_search import Space
        >>> from scaling_search.search.space import Axis
        >>> space = Space(alpha=Axis(1.0, 1.4, 0.1), beta=Axis(1.0, 1.2, 0.1))
        >>> space.alpha.length * space.beta.length * space.gamma.length
        165
    """

    alpha: Axis = Axis(1.0, 2.0, 0.05)
    beta: Axis = Axis(1.0, 1.5, 0.05)
    gamma: Axis = Axis(1.0, 1.5, 0.05)

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a space that memory can't hold."""
        points = math.prod(axis.length for axis in (self.alpha, self.beta, self.gamma))
        rule = f"a space has at most {MOST_POINTS:,} points"
        require(points <= MOST_POINTS, rule, points, "take larger steps or shorter axes")
