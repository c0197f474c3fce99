"""What every strategy is told and chooses from, and the two that learn nothing from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from scaling_search.search.candidates import Candidate


@dataclass(frozen=True)
class Observation:
    """A candidate's index, its score and its cost.

    The score is None while the candidate is in training and -inf when that failed. The cost is the
    second objective, smaller is better (activations, bytes, milliseconds): None while nobody has
    measured it, inf when that failed. A strategy with one objective ignores it.
    """

    index: int
    score: float | None
    cost: float | None = None


Strategy = Callable[[Sequence[Candidate], Sequence[Observation], int], int]
"""The index to train next, a pure function of the pool, what was told so far, and a seed."""


def grid(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    """The next candidate in the order of the pool.

    Examples:
        >>> from scaling_search import Budget, candidates
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.search.proposals import grid
        >>> pool = candidates(zoo.get("nano"), Budget(growth=2.0))
        >>> grid(pool, observations=[], seed=0)
        0
    """
    del seed
    return min(unseen(pool, observations))


def at_random(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    """A candidate at random, without replacement."""
    order: list[int] = np.random.default_rng(seed).permutation(len(pool)).tolist()
    left = unseen(pool, observations)
    return next(index for index in order if index in left)


def unseen(pool: Sequence[Candidate], observations: Sequence[Observation]) -> set[int]:
    """The indices not yet told."""
    return set(range(len(pool))) - {observation.index for observation in observations}
