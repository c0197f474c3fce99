"""Optuna's samplers as strategies: each proposal is snapped to the nearest candidate not yet seen.

What was trained is told at the candidate's own coordinates, never at the proposed ones. A sampler
is made anew from what was told, so a search that was stopped goes on with the same proposals and
none is made twice.
"""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler, NSGAIISampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from scaling_search.search.candidates import Candidate
from scaling_search.search.proposals import Observation, at_random, unseen

PARAMETER_NAMES = ("depth", "width", "resolution")
POPULATION = 6
"""How many parents NSGA-II has. On pools of 32 to 65 candidates 4 and 8 parents did worse."""

Coordinates = Sequence[tuple[float, float, float]]
Ranges = dict[str, BaseDistribution]
Directions = Sequence[Literal["maximize", "minimize"]]


def tpe(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    """Optuna's tree-structured Parzen estimator; the first five proposals are random."""
    values = {
        observation.index: None if observation.score is None else [observation.score]
        for observation in observations
        if observation.score is None or math.isfinite(observation.score)
    }
    sampler = TPESampler(seed=seed + len(observations), n_startup_trials=5)
    return _proposed(pool, observations, values, sampler, ["maximize"])


def nsga2(pool: Sequence[Candidate], observations: Sequence[Observation], seed: int) -> int:
    """Optuna's NSGA-II for two objectives: the score up, the cost down.

    The first `POPULATION` proposals are random; then the best of *all* that is known, by rank and
    crowding, are the parents of the next candidate (the steady state of Deb et al., A Fast and
    Elitist Multiobjective Genetic Algorithm, 2002): on a few dozen candidates whole generations
    would learn only three or four times. Where the front is ragged, two dozen trials are too few to
    beat chance even so. A candidate whose score or cost is None is passed over
    and not a parent yet; one without both for good, -inf or inf, never becomes one.
    """
    judged = [
        observation
        for observation in observations
        if _finite(observation.score) and _finite(observation.cost)
    ]
    if len(judged) < POPULATION:
        return at_random(pool, observations, seed)
    sampler = NSGAIISampler(population_size=POPULATION, seed=seed + len(observations))
    # As large as all that is known: those are the first generation, and who is asked for next is
    # the second, whose parents the sampler chooses, `POPULATION` of them as it was made with.
    sampler.population_size = len(judged)
    values = {
        observation.index: [observation.score or 0.0, observation.cost or 0.0]
        for observation in judged
    }
    marks = _first_generation(sampler)
    return _proposed(pool, observations, values, sampler, ["maximize", "minimize"], marks)


def _first_generation(sampler: NSGAIISampler) -> Mapping[str, Any]:
    """How the sampler marks a trial; without a mark it is in nobody's past."""
    study = _study(sampler, ["maximize"], [])
    study.ask()
    sampler.get_trial_generation(study, study.get_trials(deepcopy=False)[0])
    return study.get_trials(deepcopy=False)[0].system_attrs


def _proposed(
    pool: Sequence[Candidate],
    observations: Sequence[Observation],
    objectives: Mapping[int, Sequence[float] | None],
    sampler: BaseSampler,
    directions: Directions,
    marks: Mapping[str, Any] | None = None,
) -> int:
    """The sampler's proposal, moved to the nearest candidate that is left.

    `objectives` has the values of each candidate (None: still in training), by its index.
    """
    coordinates = [candidate.shares for candidate in pool]
    space = _space(coordinates)
    trials = [
        _trial(number, coordinates[index], space, values, marks or {})
        for number, (index, values) in enumerate(objectives.items(), start=1)
    ]
    params = _study(sampler, directions, trials).ask(space).params
    proposal = tuple(params.get(axis, coordinates[0][i]) for i, axis in enumerate(PARAMETER_NAMES))
    return min(
        sorted(unseen(pool, observations)),
        key=lambda index: math.dist(coordinates[index], proposal),
    )


def _space(coordinates: Coordinates) -> Ranges:
    """The range of each axis; an axis on which all candidates agree is left out."""
    ranges = {axis: [c[i] for c in coordinates] for i, axis in enumerate(PARAMETER_NAMES)}
    return {
        axis: FloatDistribution(min(values), max(values))
        for axis, values in ranges.items()
        if max(values) > min(values)
    }


def _trial(
    number: int,
    at: tuple[float, float, float],
    space: Ranges,
    values: Sequence[float] | None,
    marks: Mapping[str, Any],
) -> FrozenTrial:
    """A trial at these coordinates, still running without values."""
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.RUNNING if values is None else TrialState.COMPLETE,
        value=None,
        values=values,
        datetime_start=None,
        datetime_complete=None,
        params={
            axis: value for axis, value in zip(PARAMETER_NAMES, at, strict=True) if axis in space
        },
        distributions=space,
        user_attrs={},
        system_attrs=dict(marks),
        intermediate_values={},
    )


def _study(
    sampler: BaseSampler, directions: Directions, finished: list[FrozenTrial]
) -> optuna.Study:
    """A study in memory, of which Optuna does not report that it was made."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(directions=directions, sampler=sampler, storage=_Known(finished))


class _Known(InMemoryStorage):
    """Studies in memory, in which what is known comes first.

    Optuna's own way to add a trial copies it twice and more: of 200 trials that took twice as long
    as to learn from them.
    """

    def __init__(self, finished: list[FrozenTrial]) -> None:
        super().__init__()
        self._known = finished

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """The known ones, never copied, and those asked for."""
        chosen = [trial for trial in self._known if states is None or trial.state in states]
        return chosen + super().get_all_trials(study_id, deepcopy, states)


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
