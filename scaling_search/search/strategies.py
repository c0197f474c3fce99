"""In which order candidates are trained: the strategies by name."""

from __future__ import annotations

from typing import Literal

from scaling_search.search.gp import gp
from scaling_search.search.optuna_strategies import nsga2, tpe
from scaling_search.search.proposing import Strategy, Told, at_random, grid

__all__ = ["INDEPENDENT", "STRATEGIES", "TWO_OBJECTIVES", "Strategy", "StrategyName", "Told"]

StrategyName = Literal["grid", "random", "tpe", "gp", "nsga2"]

STRATEGIES: dict[StrategyName, Strategy] = {
    "grid": grid,
    "random": at_random,
    "tpe": tpe,
    "gp": gp,
    "nsga2": nsga2,
}
INDEPENDENT: frozenset[StrategyName] = frozenset({"grid", "random"})
"""Those whose proposals depend on no score, so that all can be made at once."""
TWO_OBJECTIVES: frozenset[StrategyName] = frozenset({"nsga2"})
"""Those that learn from costs as well: without any they never stop choosing at random."""
