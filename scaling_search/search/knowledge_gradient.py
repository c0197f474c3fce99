"""Which training is worth most: what one more is expected to add to the answer, for its cost.

The knowledge gradient (Frazier, Powell and Dayanik, The Knowledge-Gradient Policy for Correlated
Normal Beliefs, 2009). With means μ of all candidates, and σ̃ how far these move with one standard
deviation of a training's result, a training adds E[max(μ + σ̃ z)] − max μ, z standard normal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from scaling_search.core.stats import Floats
from scaling_search.search.curve_gp import CurveGP, SeedScores
from scaling_search.search.curve_kernel import Level, Points, parameters_by_name
from scaling_search.search.posterior import likeliest_parameters

# Of a standard normal value: the middles of so many equally probable parts.
_NODES = norm.ppf((np.arange(31) + 0.5) / 31)
_TINY = 1e-9
FANTASIES = 4000
MOST_AHEAD = 50  # trainings are looked ahead for at most


@dataclass(frozen=True)
class Option:
    """A training that could come next: its candidate, its level, and what it would cost."""

    candidate: int
    level: Level
    cost: float


@dataclass(frozen=True)
class Waiting:
    """A training under way."""

    candidate: int
    level: Level
    seed: int


Allocation = Callable[[Floats, Sequence[SeedScores], Sequence[Waiting], Sequence[Option]], int]
"""Of shares, scores, trainings under way and options: the index of the option to train next."""


def most_valuable(
    shares: Floats,
    rows: Sequence[SeedScores],
    waiting: Sequence[Waiting],
    options: Sequence[Option],
) -> int:
    """The index of the option that adds most to the answer for its cost.

    Trainings under way count as if they turned out as expected: they take doubt away and change no
    mean. `rows` holds one training at least.
    """
    process = CurveGP(shares, rows)
    parameters = likeliest_parameters(process)
    points = Points.of([(option.candidate, option.level) for option in options])
    gains = knowledge_gradients(with_expected(process, parameters, waiting), parameters, points)
    return int(np.argmax(gains / np.array([option.cost for option in options])))


def knowledge_gradients(process: CurveGP, parameters: Floats, points: Points) -> Floats:
    """What one more training at each of these points adds to the best candidate's expected top-1.

    In points, of candidates trained in full at the φ of the answer; never less than 0.
    """
    candidates = len(process.shares)
    at = Points(
        np.concatenate([np.arange(candidates), points.candidate]),
        np.concatenate([np.zeros(candidates), points.halvings]),
        np.concatenate([np.zeros(candidates), points.phi_short]),
    )
    mean, covariance = process.at(parameters, at)
    noise = process.noise(parameters_by_name(parameters), points.halvings) ** 2
    variance = np.diag(covariance)[candidates:] + noise
    moves = covariance[:candidates, candidates:] / np.sqrt(np.maximum(variance, _TINY))
    means = mean[:candidates]
    best = (means[:, None, None] + moves[:, :, None] * _NODES).max(axis=0).mean(axis=1)
    gains: Floats = np.maximum(best - means.max(), 0.0)
    # Where no single training can change the answer, whatever tells the candidates apart.
    return np.asarray(gains + _TINY * moves.std(axis=0))


def regret_after(
    shares: Floats, rows: Sequence[SeedScores], options: Sequence[Option], cost: float
) -> float:
    """The expected regret, in points, once so much more is spent on the most valuable trainings.

    What their results will be is not known; how far the means will move is: the covariance that
    they take away. So the regret after them is E[max θ] − E[max μ'] with μ' ~ N(μ, Σ − Σ').
    """
    process = CurveGP(shares, rows)
    parameters = likeliest_parameters(process)
    target = Points.of([(candidate, Level()) for candidate in range(len(shares))])
    mean, before = process.at(parameters, target)
    costs = np.array([option.cost for option in options])
    points = Points.of([(option.candidate, option.level) for option in options])
    for number in range(MOST_AHEAD):
        gains = knowledge_gradients(process, parameters, points) / costs
        chosen = options[int(np.argmax(np.where(costs <= cost, gains, -np.inf)))]
        if chosen.cost > cost:
            break
        cost -= chosen.cost
        training = Waiting(chosen.candidate, chosen.level, -1 - number)
        process = with_expected(process, parameters, [training])
    _, after = process.at(parameters, target)
    best = _expected_max(mean, before)
    return max(0.0, best - _expected_max(mean, before - after))


def _expected_max(mean: Floats, covariance: Floats) -> float:
    values, vectors = np.linalg.eigh(covariance)
    roots = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = np.random.default_rng(0).standard_normal((FANTASIES, len(mean)))
    return float((mean + normal @ roots.T).max(axis=1).mean())


def with_expected(process: CurveGP, parameters: Floats, waiting: Sequence[Waiting]) -> CurveGP:
    """The process as if the trainings under way ended as it expects them to."""
    if not waiting:
        return process
    points = Points.of([(training.candidate, training.level) for training in waiting])
    expected, _ = process.at(parameters, points)
    more = [
        SeedScores(training.candidate, training.level, {training.seed: float(score)})
        for training, score in zip(waiting, expected, strict=True)
    ]
    return CurveGP(process.shares, [*process.rows, *more])
