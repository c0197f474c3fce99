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

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.official import side_by_side
        >>> b0, paper = zoo.get("efficientnet-b0"), Coefficients(1.2, 1.1, 1.15)
        >>> b1 = side_by_side(b0, paper, phis=[1, 2]).official[1]
        >>> b1.network, b1.px, round(b1.phi, 2)
        ('efficientnet-b1', 240, 0.44)
    """
    formula = tuple(formula_row(base, coefficients, phi) for phi in phis)
    if base != zoo.get(OFFICIAL_BASE):
        return SideBySide(formula, (), ())
    official = official_rows(coefficients)
    nearest = tuple(formula_row(base, coefficients, row.phi) for row in official)
    return SideBySide(formula, official, nearest)


def formula_row(base: Architecture, coefficients: Coefficients, phi: float) -> FamilyRow:
    """The network that the bare formula makes of the base at this φ.

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.compare.official import formula_row
        >>> row = formula_row(zoo.get("efficientnet-b0"), Coefficients(1.2, 1.1, 1.15), phi=2)
        >>> row.px, row.repeats, round(row.nominal_growth, 2), round(row.growth, 2)
        (296, (2, 3, 3, 5, 5, 6, 2), 3.69, 4.69)
    """
    multipliers = coefficients.at(phi)
    grown = scale(base, multipliers)
    return _row(base, grown.with_name(f"φ={phi:g}"), phi, multipliers)


def official_rows(coefficients: Coefficients) -> tuple[FamilyRow, ...]:
    """B0 to B7, each at the φ of these constants that fits it best.

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.compare.official import official_rows
        >>> b7 = official_rows(Coefficients(1.2, 1.1, 1.15))[-1]
        >>> b7.network, round(b7.phi, 1), round(b7.nominal_growth), round(b7.growth)
        ('efficientnet-b7', 6.6, 89, 98)
    """
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

    Examples:
        >>> from scaling_search import Coefficients, Multipliers
        >>> from scaling_search.compare.official import best_phi
        >>> b4 = Multipliers(depth=1.8, width=1.4, resolution=380 / 224)
        >>> phi, miss = best_phi(b4, Coefficients(1.2, 1.1, 1.15))
        >>> round(phi, 2), round(miss, 2)
        (3.45, 1.04)
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
