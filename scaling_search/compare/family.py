"""The family that the constants stand for: one network for each φ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients, Multipliers, scale, scale_depth, scale_width
from scaling_search.compare.matched import nearest_side
from scaling_search.cost.analytic import Cost, count
from scaling_search.search.space import Budget

Method = Literal["base", "compound", "depth", "width", "resolution"]
FamilyBudget = Literal["measured", "nominal"]


@dataclass(frozen=True)
class Member:
    """A network of the comparison: how it was grown, and what it costs.

    `growth_target` is growth^φ, `growth` the network's real cost over the base's, both in the
    budget's resource.
    """

    method: Method
    phi: float
    architecture: Network
    multipliers: Multipliers
    cost: Cost
    growth_target: float
    growth: float


def member(
    base: Network,
    budget: Budget,
    method: Method,
    phi: float,
    architecture: Network,
    multipliers: Multipliers,
) -> Member:
    """The member with its cost and growth counted."""
    cost = count(architecture)
    target = budget.growth**phi
    growth = budget.of(cost) / budget.of(count(base))
    return Member(method, phi, architecture, multipliers, cost, target, growth)


def family(
    base: Network,
    coefficients: Coefficients,
    phis: Sequence[float],
    budget: Budget,
    kind: FamilyBudget = "measured",
) -> tuple[Member, ...]:
    """The compound networks of these φ (fractional and negative ones too; φ = 0 is the base).

    `nominal` is the bare formula. `measured` takes depth and width from the formula and solves the
    resolution, the finest of the three, so that the real cost follows growth^φ.
    """
    return tuple(_compound(base, coefficients, phi, budget, kind) for phi in phis)


def _compound(
    base: Network, coefficients: Coefficients, phi: float, budget: Budget, kind: FamilyBudget
) -> Member:
    if phi == 0:
        return member(base, budget, "base", 0.0, base, Multipliers(1.0, 1.0, 1.0))
    formula = coefficients.at(phi)
    if kind == "nominal" or budget.resource == "params":  # no resolution changes the parameters
        return member(base, budget, "compound", phi, scale(base, formula), formula)
    wide = scale_width(scale_depth(base, formula.depth), formula.width)
    target = budget.of(count(base)) * budget.growth**phi
    solved = nearest_side(wide, target, budget)
    resolution = solved.resolution_px / base.resolution_px
    multipliers = Multipliers(formula.depth, formula.width, resolution)
    # Through `scale`, so that the network is named by the multipliers that make it.
    return member(base, budget, "compound", phi, scale(base, multipliers), multipliers)
