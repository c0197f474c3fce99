"""How a network shares its growth between depth, width and resolution: a point of the simplex.

At another growth, or on another side of images, no network is the same; what constants claim is
that the *shares* of depth, width and resolution carry over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients, scale_depth, scale_resolution, scale_width
from scaling_search.cost.analytic import count

Shares = tuple[float, float, float]
"""The parts of depth, width and resolution, which add up to 1."""

EVEN: Shares = (1 / 3, 1 / 3, 1 / 3)
# Where a search begins: each axis alone, all three alike, and the paper's own constants.
CORNERS: tuple[Shares, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
# A tenth of the growth spent on another axis; beyond that two networks are not called alike.
ALIKE = 0.1
MOST_COVERING = len(CORNERS) + 2
_STEPS = 20  # of the simplex along each edge, where its coverage is looked at


def nominal_shares(point: Coefficients) -> Shares:
    """log α, 2 log β and 2 log γ as parts of log(α·β²·γ²): what the formula shares out.

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.search.shares import nominal_shares
        >>> [round(share, 2) for share in nominal_shares(Coefficients(1.2, 1.1, 1.15))]
        [0.28, 0.29, 0.43]
    """
    return _parts((math.log(point.alpha), 2 * math.log(point.beta), 2 * math.log(point.gamma)))


def growth_shares(base: Network, point: Coefficients) -> Shares:
    """The parts of the growth in MACs that depth, width and resolution take.

    Each is the growth, in doublings, of the base network as built with that axis alone, so that
    rounding counts: on a grid many α make one network, and their nominal shares would differ.
    A network that grows in no axis shares evenly.

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.shares import growth_shares
        >>> shares = growth_shares(zoo.get("efficientnet-b0"), Coefficients(1.2, 1.1, 1.15))
        >>> [round(share, 2) for share in shares]
        [0.42, 0.15, 0.43]
    """
    grown = (
        scale_depth(base, point.alpha),
        scale_width(base, point.beta),
        scale_resolution(base, point.gamma),
    )
    cost = count(base).macs
    depth, width, resolution = (math.log2(count(network).macs / cost) for network in grown)
    return _parts((depth, width, resolution))


def distance(left: Shares, right: Shares) -> float:
    """The part of the growth that one of the two spends on another axis, from 0 to 1.

    Examples:
        >>> from scaling_search.search.shares import EVEN, distance
        >>> round(distance((1.0, 0.0, 0.0), EVEN), 3), distance((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        (0.667, 1.0)
    """
    return sum(abs(a - b) for a, b in zip(left, right, strict=True)) / 2


def cover(shares: Sequence[Shares]) -> list[int]:
    """The indices of the networks nearest to each axis alone, to all alike and to the paper's way.

    Each once, in that order; fewer than five where two of them are nearest to one network.

    Examples:
        >>> from scaling_search.search.shares import cover
        >>> cover([(0.3, 0.4, 0.3), (0.9, 0.1, 0.0), (0.1, 0.9, 0.0), (0.0, 0.1, 0.9)])
        [1, 2, 3, 0]
    """
    paper = nominal_shares(PAPER_CONSTANTS)
    nearest = [
        min(range(len(shares)), key=lambda index: distance(shares[index], target))
        for target in (*CORNERS, EVEN, paper)
    ]
    return list(dict.fromkeys(nearest))


def spread(shares: Sequence[Shares], count: int) -> list[int]:
    """So many networks far from each other: those of `cover`, then each the farthest from all.

    Examples:
        >>> from scaling_search.search.shares import spread
        >>> spread([(1.0, 0.0, 0.0), (0.9, 0.1, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)], count=3)
        [0, 2, 3]
    """
    chosen = cover(shares)[:count]
    while len(chosen) < min(count, len(shares)):
        near = [min(distance(each, shares[taken]) for taken in chosen) for each in shares]
        chosen.append(max(set(range(len(shares))) - {*chosen}, key=lambda i: (near[i], -i)))
    return chosen


def coverage(shares: Sequence[Shares]) -> float:
    """The part of the simplex that lies within a tenth of the growth of one of these networks.

    Examples:
        >>> from scaling_search.search.shares import CORNERS, EVEN, coverage
        >>> round(coverage([EVEN]), 2), round(coverage([EVEN, *CORNERS]), 2)
        (0.05, 0.13)
    """
    networks = np.array(shares)
    nearest = [np.abs(networks - point).sum(axis=1).min() / 2 for point in _simplex()]
    return float((np.array(nearest) <= ALIKE).mean())


def _simplex() -> NDArray[np.float64]:
    """The points of a triangular grid, n × 3."""
    corners = range(_STEPS + 1)
    corners_of_steps = [(d, w, _STEPS - d - w) for d in corners for w in corners if d + w <= _STEPS]
    return np.array(corners_of_steps, dtype=np.float64) / _STEPS


def _parts(doublings: Shares) -> Shares:
    total = sum(doublings)
    if total == 0:
        return EVEN
    depth, width, resolution = (each / total for each in doublings)
    return depth, width, resolution
