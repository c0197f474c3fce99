"""Which candidates of two searches are alike: those that share the growth alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from scaling_search.search.shares import ALIKE, Shares, distance


@dataclass(frozen=True)
class Pair:
    """Two candidates by name and the distance of their shares, from 0 to 1."""

    left: str
    right: str
    distance: float


def paired(
    left: Mapping[str, Shares], right: Mapping[str, Shares], limit: float = ALIKE
) -> tuple[Pair, ...]:
    """Match candidates one to one: as many as lie within `limit`, at the least total distance.

    Examples:
        >>> from scaling_search.search.matching import paired
        >>> left = {"deeper": (1.0, 0.0, 0.0), "even": (0.4, 0.3, 0.3)}
        >>> [(pair.left, pair.right) for pair in paired(left, {"compound": (0.35, 0.3, 0.35)})]
        [('even', 'compound')]
    """
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
