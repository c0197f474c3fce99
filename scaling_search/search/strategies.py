"""In which order candidates are trained: the strategies by name.

But for the grid, each begins with candidates that cover the simplex of shares: what a random start
leaves out, a strategy learns of only by chance, and a third of its trials is spent on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scaling_search.search.candidates import Candidate
from scaling_search.search.gp import gp
from scaling_search.search.proposals import Observation, Strategy, at_random, grid, unseen
from scaling_search.search.shares import MOST_COVERING, cover

__all__ = ["INDEPENDENT", "STRATEGIES", "TWO_OBJECTIVES", "Observation", "Strategy", "StrategyName"]

StrategyName = Literal["grid", "random", "tpe", "gp", "nsga2"]


def _tpe(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    # Optuna takes a fifth of a second to import, and warns in a notebook: only who asks for it.
    from scaling_search.search.optuna_strategies import tpe

    return tpe(pool, observations, seed)


def _nsga2(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    from scaling_search.search.optuna_strategies import nsga2

    return nsga2(pool, observations, seed)


def _from_a_cover(strategy: Strategy) -> Strategy:
    """The strategy once the candidates that cover the simplex are proposed."""

    def propose(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
        if len(observations) < MOST_COVERING:
            left = unseen(pool, observations)
            covering = cover([candidate.shares for candidate in pool])
            for index in covering:
                if index in left:
                    return index
        return strategy(pool, observations, seed)

    return propose


STRATEGIES: dict[StrategyName, Strategy] = {
    "grid": grid,
    "random": _from_a_cover(at_random),
    "tpe": _from_a_cover(_tpe),
    "gp": _from_a_cover(gp),
    "nsga2": _from_a_cover(_nsga2),
}
INDEPENDENT: frozenset[StrategyName] = frozenset({"grid", "random"})
"""Those whose proposals depend on no score, so that all can be made at once."""
TWO_OBJECTIVES: frozenset[StrategyName] = frozenset({"nsga2"})
"""Those that learn from costs as well: without any they never stop choosing at random."""
