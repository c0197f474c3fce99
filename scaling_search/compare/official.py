"""The bare formula beside the official family: which φ each hand-picked EfficientNet stands for.

The official multipliers are not powers of the paper's constants: they were rounded by hand, so no
φ gives them exactly. The best is the one that is nearest in the logarithms of depth, width and
resolution, each weighed as the formula does: a line through the origin, fitted by least squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.arch import zoo
from scaling_search.arch.paper import officials
from scaling_search.arch.scaling import Coefficients, Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count

OFFICIAL_BASE = "efficientnet-b0"


@dataclass(frozen=True)
class FamilyRow:
    """A network as a line of the table: what makes it, what it is, and what it costs.

    `nominal_growth` is depth · width² · resolution², `growth` the real growth of the MACs over the
    base. `distance` (officials only) is the factor by which the multipliers miss the formula's at
    that φ, the root mean square over the three; 1 is exact.
    """

    network: str
    phi: float
    multipliers: Multipliers
    repeats: tuple[int, ...]
    channels: tuple[int, ...]
    px: int
    macs: int
    params: int
    nominal_growth: float
    growth: float
    distance: float = 1.0


@dataclass(frozen=True)
class SideBySide:
    """The formula's networks, the official ones at the φ that fits each best, and pairs of both.

    `nearest` holds for each official the formula's network of that same φ.
    """

    formula: tuple[FamilyRow, ...]
    official: tuple[FamilyRow, ...]
    nearest: tuple[FamilyRow, ...]


def side_by_side(
    base: Architecture, coefficients: Coefficients, phis: Sequence[float]
) -> SideBySide:
    """The formula at these φ (fractional and negative ones too) beside the official B0 to B7.

    For a base other than EfficientNet-B0 there are no officials. Raises UserError where the images
    of a φ become smaller than the strides need.
    """
    formula = tuple(formula_row(base, coefficients, phi) for phi in phis)
    if base != zoo.get(OFFICIAL_BASE):
        return SideBySide(formula, (), ())
    official = official_rows(coefficients)
    nearest = tuple(formula_row(base, coefficients, row.phi) for row in official)
    return SideBySide(formula, official, nearest)


def formula_row(base: Architecture, coefficients: Coefficients, phi: float) -> FamilyRow:
    """The network that the bare formula makes of the base at this φ."""
    multipliers = coefficients.at(phi)
    grown = scale(base, multipliers)
    return _row(base, grown.with_name(f"φ={phi:g}"), phi, multipliers)


def official_rows(coefficients: Coefficients) -> tuple[FamilyRow, ...]:
    """B0 to B7, each at the φ of these constants that fits it best."""
    base = zoo.get(OFFICIAL_BASE)
    rows = []
    for official in officials():
        network = zoo.get(f"efficientnet-{official.model}")
        resolution = official.resolution_px / base.resolution_px
        multipliers = Multipliers(official.depth, official.width, resolution)
        phi, distance = best_phi(multipliers, coefficients)
        rows.append(_row(base, network, phi, multipliers, distance))
    return tuple(rows)


def best_phi(multipliers: Multipliers, coefficients: Coefficients) -> tuple[float, float]:
    """The φ whose α^φ, β^φ, γ^φ lie nearest to the multipliers in logarithms, and how far off.

    The second number is the root-mean-square factor, 1 for an exact fit. Raises UserError for
    constants that are all 1.
    """
    m, c = multipliers, coefficients
    logs = [math.log(value) for value in (m.depth, m.width, m.resolution)]
    per_phi = [math.log(value) for value in (c.alpha, c.beta, c.gamma)]
    length = math.fsum(rate**2 for rate in per_phi)
    if not length:
        raise UserError("no φ can be fitted to constants of 1, 1, 1: they scale nothing")
    phi = math.fsum(a * rate for a, rate in zip(logs, per_phi, strict=True)) / length
    missed = math.fsum((a - phi * rate) ** 2 for a, rate in zip(logs, per_phi, strict=True))
    return phi, math.exp(math.sqrt(missed / len(logs)))


def _row(
    base: Architecture,
    network: Architecture,
    phi: float,
    multipliers: Multipliers,
    distance: float = 1.0,
) -> FamilyRow:
    cost = count(network)
    m = multipliers
    return FamilyRow(
        network=network.name,
        phi=phi,
        multipliers=multipliers,
        repeats=tuple(stage.repeats for stage in network.stages),
        channels=tuple(stage.channels for stage in network.stages),
        px=network.resolution_px,
        macs=cost.macs,
        params=cost.params,
        nominal_growth=m.depth * m.width**2 * m.resolution**2,
        growth=cost.macs / count(base).macs,
        distance=distance,
    )
