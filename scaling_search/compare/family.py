"""The family that the constants stand for: one network for each φ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients, Multipliers, scale
from scaling_search.compare.methods import BASE, COMPOUND, Method
from scaling_search.cost.analytic import Cost, count
from scaling_search.search.equal_cost import on_ray
from scaling_search.search.resources import Meter, gathered, meter_of
from scaling_search.search.shares import Shares, growth_shares
from scaling_search.search.space import NOISE, Budget

FamilyBudget = Literal["measured", "nominal"]


@dataclass(frozen=True)
class Member:
    """A network of the comparison: how it was grown, and what it costs.

    `growth_target` is growth^φ, `growth` the network's real cost over the base's, both in the
    budget's resource. `shares` are the parts of depth, width and resolution in its growth as built.
    """

    method: Method
    phi: float
    architecture: Network
    multipliers: Multipliers
    cost: Cost
    growth_target: float
    growth: float
    shares: Shares


def member(
    base: Network,
    budget: Budget,
    method: Method,
    phi: float,
    architecture: Network,
    multipliers: Multipliers,
    meter: Meter | None = None,
) -> Member:
    """The member with its cost counted and its growth read (`meter` None: `meter_of(budget)`).

    Examples:
        >>> from scaling_search import Budget, Multipliers, scale
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.family import member
        >>> b0, wider = zoo.get("efficientnet-b0"), Multipliers(width=1.4)
        >>> grown = member(b0, Budget(growth=2.0), "width", 1.0, scale(b0, wider), wider)
        >>> grown.growth_target, round(grown.growth, 2), grown.shares
        (2.0, 1.93, (0.0, 1.0, 0.0))
    """
    read = meter or meter_of(budget)
    cost, target = count(architecture), budget.growth**phi
    growth = read(architecture) / read(base)
    grown = Coefficients(multipliers.depth, multipliers.width, multipliers.resolution)
    shares = growth_shares(base, grown)
    return Member(method, phi, architecture, multipliers, cost, target, growth, shares)


def family(
    base: Network,
    coefficients: Coefficients,
    phis: Sequence[float],
    budget: Budget,
    kind: FamilyBudget = "measured",
    meter: Meter | None = None,
) -> tuple[Member, ...]:
    """The compound networks of these φ (fractional and negative ones too; φ = 0 is the base).

    `nominal` is the bare formula. `measured` walks along the ray (α, β, γ)^φ' to the network whose
    real cost is nearest to growth^φ, unless that of φ itself keeps the budget's tolerance: so the
    constants' own network stands at φ = 1. All axes rise with φ, and what whole layers and pixels
    leave over of the cost stays, for to mend it with one axis would take the growth's shares away
    from the constants. A latency is solved from one timing to the next. `meter` reads the resource
    (None: `meter_of(budget)`). Raises `UntimedError` with the networks whose latency is needed.

    Examples:
        >>> from scaling_search import Budget, Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.family import family
        >>> b0, paper = zoo.get("efficientnet-b0"), Coefficients(1.2, 1.1, 1.15)
        >>> members = family(b0, paper, phis=[-1, 0, 1, 2], budget=Budget(growth=2.0))
        >>> [(each.architecture.resolution_px, round(each.growth, 2)) for each in members]
        [(177, 0.51), (224, 1.0), (241, 2.0), (285, 4.03)]
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
        return member(base, budget, BASE, 0.0, base, Multipliers(1.0, 1.0, 1.0), read)
    multipliers, target = coefficients.at(phi), read(base) * budget.growth**phi
    if kind == "measured" and not _keeps(budget, read(scale(base, multipliers)), target):
        multipliers = on_ray(base, coefficients, target, budget, read)
    return member(base, budget, COMPOUND, phi, scale(base, multipliers), multipliers, read)


def _keeps(budget: Budget, cost: float, target: float) -> bool:
    return abs(cost / target - 1) <= budget.tolerance * (1 + NOISE)
