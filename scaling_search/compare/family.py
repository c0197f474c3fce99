"""The family that the constants stand for: one network for each φ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients, Multipliers, scale, scale_depth, scale_width
from scaling_search.compare.matched import nearest_side
from scaling_search.cost.analytic import Cost, count
from scaling_search.search.resources import Meter, gathered, meter_of
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
    meter: Meter | None = None,
) -> Member:
    """The member with its cost counted and its growth read (`meter` None: `meter_of(budget)`)."""
    read = meter or meter_of(budget)
    cost, target = count(architecture), budget.growth**phi
    growth = read(architecture) / read(base)
    return Member(method, phi, architecture, multipliers, cost, target, growth)


def family(
    base: Network,
    coefficients: Coefficients,
    phis: Sequence[float],
    budget: Budget,
    kind: FamilyBudget = "measured",
    meter: Meter | None = None,
) -> tuple[Member, ...]:
    """The compound networks of these φ (fractional and negative ones too; φ = 0 is the base).

    `nominal` is the bare formula. `measured` takes depth and width from the formula and solves the
    resolution, the finest of the three, so that the real cost follows growth^φ; a latency is
    solved from one timing to the next. `meter` reads the resource (None: `meter_of(budget)`).
    Raises `UntimedError` with the networks whose latency is needed next.
    """
    make = partial(_compound, base, coefficients, budget, kind, meter or meter_of(budget))
    return tuple(gathered(partial(make, phi) for phi in phis))


def _compound(
    base: Network,
    coefficients: Coefficients,
    budget: Budget,
    kind: FamilyBudget,
    read: Meter,
    phi: float,
) -> Member:
    if phi == 0:
        return member(base, budget, "base", 0.0, base, Multipliers(1.0, 1.0, 1.0), read)
    formula = coefficients.at(phi)
    if kind == "nominal" or budget.resource == "params":  # no resolution changes the parameters
        return member(base, budget, "compound", phi, scale(base, formula), formula, read)
    wide = scale_width(scale_depth(base, formula.depth), formula.width)
    solved = nearest_side(wide, read(base) * budget.growth**phi, budget, read)
    resolution = solved.resolution_px / base.resolution_px
    multipliers = Multipliers(formula.depth, formula.width, resolution)
    # Through `scale`, so that the network is named by the multipliers that make it.
    return member(base, budget, "compound", phi, scale(base, multipliers), multipliers, read)
