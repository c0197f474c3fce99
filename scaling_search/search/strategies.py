"""In which order candidates are trained: each strategy a pure function of what was told so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from scaling_search.search.candidates import Candidate

StrategyName = Literal["grid", "random", "tpe"]
AXES = ("depth", "width", "resolution")


@dataclass(frozen=True)
class Told:
    """A candidate's index and its score; None while it is in training, -inf when it failed."""

    index: int
    score: float | None


Strategy = Callable[[Sequence[Candidate], Sequence[Told], int], int]


def shares(candidate: Candidate) -> tuple[float, float, float]:
    """How much of the nominal growth comes from depth, width and resolution, in doublings."""
    point = candidate.coefficients
    return math.log2(point.alpha), 2 * math.log2(point.beta), 2 * math.log2(point.gamma)


def grid(pool: Sequence[Candidate], told: Sequence[Told], seed: int) -> int:
    """The next candidate in the order of the pool."""
    del seed
    return min(unseen(pool, told))


def at_random(pool: Sequence[Candidate], told: Sequence[Told], seed: int) -> int:
    """A candidate at random, without replacement."""
    order: list[int] = np.random.default_rng(seed).permutation(len(pool)).tolist()
    left = unseen(pool, told)
    return next(index for index in order if index in left)


def tpe(pool: Sequence[Candidate], told: Sequence[Told], seed: int) -> int:
    """Optuna's TPE: its proposal snapped to the nearest candidate not yet seen.

    What was trained is told at the candidate's own coordinates, never at the proposed ones. The
    sampler is made anew from what was told, so a search that was stopped goes on with the same
    proposals and none is made twice.
    """
    coordinates = [shares(candidate) for candidate in pool]
    space = _space(coordinates)
    study = _study(seed + len(told))
    for one in told:
        if one.score is None or math.isfinite(one.score):
            study.add_trial(_trial(one, coordinates[one.index], space))
    asked = study.ask(space).params
    wanted = tuple(asked.get(axis, coordinates[0][i]) for i, axis in enumerate(AXES))
    left = sorted(unseen(pool, told))
    return min(left, key=lambda index: math.dist(coordinates[index], wanted))


STRATEGIES: dict[StrategyName, Strategy] = {"grid": grid, "random": at_random, "tpe": tpe}


def unseen(pool: Sequence[Candidate], told: Sequence[Told]) -> set[int]:
    """The indices not yet told."""
    return set(range(len(pool))) - {one.index for one in told}


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
    return optuna.create_study(direction="maximize", sampler=sampler)


def _space(coordinates: Sequence[tuple[float, ...]]) -> dict[str, BaseDistribution]:
    """The range of each axis; an axis on which all candidates agree is left out."""
    ranges = {axis: [c[i] for c in coordinates] for i, axis in enumerate(AXES)}
    return {
        axis: FloatDistribution(min(values), max(values))
        for axis, values in ranges.items()
        if max(values) > min(values)
    }


def _trial(
    one: Told, at: tuple[float, ...], space: dict[str, BaseDistribution]
) -> optuna.trial.FrozenTrial:
    params = {axis: at[i] for i, axis in enumerate(AXES) if axis in space}
    state = TrialState.RUNNING if one.score is None else TrialState.COMPLETE
    return create_trial(params=params, distributions=space, value=one.score, state=state)
