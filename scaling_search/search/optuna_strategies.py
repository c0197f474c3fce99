"""Optuna's samplers as strategies: each proposal is snapped to the nearest candidate not yet seen.

What was trained is told at the candidate's own coordinates, never at the proposed ones. A sampler
is made anew from what was told, so a search that was stopped goes on with the same proposals and
none is made twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import NSGAIISampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from scaling_search.search.candidates import Candidate
from scaling_search.search.proposing import Told, at_random, shares, unseen

AXES = ("depth", "width", "resolution")
POPULATION = 6
"""How many parents NSGA-II has. On pools of 32 to 65 candidates 4 and 8 parents did worse."""

Coordinates = Sequence[tuple[float, float, float]]
Ranges = dict[str, BaseDistribution]


def tpe(pool: Sequence[Candidate], told: Sequence[Told], seed: int) -> int:
    """Optuna's tree-structured Parzen estimator; the first five proposals are random."""
    coordinates = [shares(candidate) for candidate in pool]
    space = _space(coordinates)
    _hush()
    sampler = TPESampler(seed=seed + len(told), n_startup_trials=5)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for one in told:
        if one.score is None or math.isfinite(one.score):
            study.add_trial(_trial(one, coordinates[one.index], space))
    return _snapped(study, coordinates, unseen(pool, told))


def nsga2(pool: Sequence[Candidate], told: Sequence[Told], seed: int) -> int:
    """Optuna's NSGA-II for two objectives: the score up, the cost down.

    The first `POPULATION` proposals are random; then the best of *all* that is known, by rank and
    crowding, are the parents of the next candidate (the steady state of Deb et al., A Fast and
    Elitist Multiobjective Genetic Algorithm, 2002): on a few dozen candidates whole generations
    would learn only three or four times. Where the front is ragged, two dozen trials are too few to
    beat chance even so. A candidate whose score or cost is None is passed over
    and not a parent yet; one without both for good, -inf or inf, never becomes one.
    """
    known = [one for one in told if _finite(one.score) and _finite(one.cost)]
    if len(known) < POPULATION:
        return at_random(pool, told, seed)
    coordinates = [shares(candidate) for candidate in pool]
    space = _space(coordinates)
    _hush()
    sampler = NSGAIISampler(population_size=POPULATION, seed=seed + len(told))
    # As large as all that is known: those are the first generation, and who is asked for next is
    # the second, whose parents the sampler chooses, `POPULATION` of them as it was made with.
    sampler.population_size = len(known)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    for number, one in enumerate(known):
        study.add_trial(_trial(Told(one.index, None), coordinates[one.index], space))
        # A trial without a generation is in nobody's past: the sampler would stay random for ever.
        sampler.get_trial_generation(study, study.get_trials(deepcopy=False)[number])
        study.tell(number, [one.score or 0.0, one.cost or 0.0])
    return _snapped(study, coordinates, unseen(pool, told))


def _snapped(study: optuna.Study, coordinates: Coordinates, left: set[int]) -> int:
    """The study's proposal, moved to the nearest candidate that is left."""
    asked = study.ask(_space(coordinates)).params
    wanted = tuple(asked.get(axis, coordinates[0][i]) for i, axis in enumerate(AXES))
    return min(sorted(left), key=lambda index: math.dist(coordinates[index], wanted))


def _space(coordinates: Coordinates) -> Ranges:
    """The range of each axis; an axis on which all candidates agree is left out."""
    ranges = {axis: [c[i] for c in coordinates] for i, axis in enumerate(AXES)}
    return {
        axis: FloatDistribution(min(values), max(values))
        for axis, values in ranges.items()
        if max(values) > min(values)
    }


def _trial(one: Told, at: tuple[float, float, float], space: Ranges) -> FrozenTrial:
    params = {axis: at[i] for i, axis in enumerate(AXES) if axis in space}
    state = TrialState.RUNNING if one.score is None else TrialState.COMPLETE
    return create_trial(params=params, distributions=space, value=one.score, state=state)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _hush() -> None:
    """Keep Optuna from reporting every study that is made in memory."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
