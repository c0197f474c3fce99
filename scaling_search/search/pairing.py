"""Which candidates of two searches are alike: those that share the growth alike between the axes.

At another growth, or on another side of images, no network is the same; what constants claim is
that the *shares* of depth, width and resolution carry over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients, scale_depth, scale_resolution, scale_width
from scaling_search.cost.analytic import count

Shares = tuple[float, float, float]

# A tenth of the growth spent on another axis; beyond that two networks are not called alike.
LIMIT = 0.1


@dataclass(frozen=True)
class Pair:
    """Two candidates by name and the distance of their shares, from 0 to 1."""

    left: str
    right: str
    distance: float


def growth_shares(base: Network, point: Coefficients) -> Shares:
    """The parts of the growth in MACs that depth, width and resolution take; they add up to 1.

    Each is the growth, in doublings, of the base network as built with that axis alone, so that
    rounding counts: on a grid many α make one network, and their nominal shares would differ.
    Raises ZeroDivisionError when nothing grows.
    """
    grown = (
        scale_depth(base, point.alpha),
        scale_width(base, point.beta),
        scale_resolution(base, point.gamma),
    )
    cost = count(base).macs
    doublings = [math.log2(count(network).macs / cost) for network in grown]
    total = sum(doublings)
    return doublings[0] / total, doublings[1] / total, doublings[2] / total


def distance(left: Shares, right: Shares) -> float:
    """The part of the growth that one of the two spends on another axis, from 0 to 1."""
    return sum(abs(a - b) for a, b in zip(left, right, strict=True)) / 2


def paired(
    left: Mapping[str, Shares], right: Mapping[str, Shares], limit: float = LIMIT
) -> tuple[Pair, ...]:
    """Match candidates one to one: as many as lie within `limit`, at the least total distance."""
    if not left or not right:
        return ()
    apart = np.array([[distance(a, b) for b in right.values()] for a in left.values()])
    # A pair beyond the limit costs more than any number of pairs within it.
    costs = np.where(apart <= limit, apart, 1.0 + min(apart.shape))
    names = (list(left), list(right))
    return tuple(
        Pair(names[0][row], names[1][column], float(apart[row, column]))
        for row, column in zip(*linear_sum_assignment(costs), strict=True)
        if apart[row, column] <= limit
    )
