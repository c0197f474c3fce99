"""What all trainings of a search say together: a smooth surface over how growth is shared.

Networks that share the growth alike are alike in accuracy, and a short training tells something of
a long one. A Gaussian process over (shares, length) uses both, so that the scatter between seeds
averages out over neighbours and rungs, and so that candidates dropped early, or never tried, have
their say in how sure the answer is (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, algorithm 2.1; its Matérn 5/2 is equation 4.17).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize
from scipy.spatial.distance import cdist

from scaling_search.search.gp import matern

Floats = NDArray[np.float64]

VAGUE_POINTS = 30.0  # prior sd of the mean accuracy at each length
JITTER = 1e-8
BELIEVABLE_SDS = 4
# How alike the luck of two lengths of one seed is: the longer goes on from the shorter's plateau.
# Between 0.1 and 0.5 for the pairs of lengths in results/tabular.
PLATEAU_LUCK = 0.3
# What is expected before anything is seen, as (mean, sd) of the logarithm of each parameter, in
# percentage points and doublings: wide, and there to keep a few trainings from saying the absurd.
PRIORS = {
    "signal": (math.log(1.5), 1.0),
    "reach": (math.log(1.0), 0.7),
    "own": (math.log(0.3), 0.7),
    "noise": (math.log(0.7), 0.7),
    "signal_growth": (math.log(0.3), 0.7),
    "noise_growth": (math.log(0.3), 0.7),
    "forgetting": (math.log(0.1), 1.0),
}


@dataclass(frozen=True)
class Seen:
    """The finished trainings of one candidate (its index) and length: top-1 in points by seed."""

    candidate: int
    epochs: int
    top1_points: Mapping[int, float]


@dataclass(frozen=True)
class Posterior:
    """The accuracy of every candidate trained in full: mean and covariance, in points."""

    mean: Floats
    covariance: Floats

    def p_best(self, seed: int, draws: int = 4000) -> Floats:
        """How probable it is of each candidate that it is the best."""
        rng = np.random.default_rng(seed)
        drawn = rng.multivariate_normal(self.mean, self.covariance, draws, method="eigh")
        wins = np.bincount(drawn.argmax(axis=1), minlength=len(self.mean))
        shares: Floats = wins / draws
        return shares


def posterior(shares: Floats, full_epochs: int, seen: Sequence[Seen]) -> Posterior:
    """What is known of each candidate (rows of `shares`, n × 3) trained for `full_epochs`.

    The parameters are the most probable ones. `seen` holds one training at least.
    """
    surface = _Surface(shares, full_epochs, seen)
    start = np.array([mean for mean, _ in PRIORS.values()])
    # A line search may leap to where an exponential overflows; nothing worth finding lies there.
    bounds = [
        (mean - BELIEVABLE_SDS * sd, mean + BELIEVABLE_SDS * sd) for mean, sd in PRIORS.values()
    ]
    fitted = optimize.minimize(
        surface.loss, start, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40}
    )
    return surface.at_full_length(fitted.x)


@dataclass(frozen=True)
class _Surface:
    """The model over what was seen, one row a group of seeds."""

    shares: Floats
    full_epochs: int
    seen: Sequence[Seen]

    @cached_property
    def y(self) -> Floats:
        return np.array([np.mean(list(one.top1_points.values())) for one in self.seen])

    @cached_property
    def squares(self) -> Floats:
        """The sum of squares of each group about its mean."""
        return np.array(
            [np.var(list(s.top1_points.values())) * len(s.top1_points) for s in self.seen]
        )

    @cached_property
    def seeds(self) -> Floats:
        return np.array([len(one.top1_points) for one in self.seen], dtype=np.float64)

    @cached_property
    def candidate(self) -> NDArray[np.intp]:
        return np.array([one.candidate for one in self.seen], dtype=np.intp)

    @cached_property
    def halvings(self) -> Floats:
        """How many halvings shorter than in full each training was."""
        return np.log2(self.full_epochs / np.array([one.epochs for one in self.seen], float))

    @cached_property
    def distance(self) -> Floats:
        return np.asarray(cdist(self.shares, self.shares))

    @cached_property
    def shared_luck(self) -> Floats:
        """What part of one training's variance the means of two groups share."""
        shared = np.diag(1 / self.seeds)
        for i, one in enumerate(self.seen):
            for j, other in enumerate(self.seen[:i]):
                if one.candidate == other.candidate:
                    both = len(one.top1_points.keys() & other.top1_points.keys())
                    shared[i, j] = shared[j, i] = (
                        PLATEAU_LUCK * both / self.seeds[i] / self.seeds[j]
                    )
        return shared

    def loss(self, parameters: Floats) -> float:
        """The negative logarithm of the posterior probability of the parameters."""
        lower = linalg.cholesky(self._of_seen(parameters), lower=True)
        half = linalg.solve_triangular(lower, self.y - self.y.mean(), lower=True)
        fit = half @ half / 2 + np.log(np.diag(lower)).sum()
        noise = self._noise(_named(parameters))
        scatter = (self.squares / noise**2 / 2 + (self.seeds - 1) * np.log(noise)).sum()
        prior = sum(
            ((value - mean) / sd) ** 2 / 2
            for value, (mean, sd) in zip(parameters, PRIORS.values(), strict=True)
        )
        return float(fit + scatter + prior)

    def at_full_length(self, parameters: Floats) -> Posterior:
        p, everyone = _named(parameters), np.arange(len(self.shares))
        prior = p["signal"] ** 2 * self._alike(p, everyone, everyone) + VAGUE_POINTS**2
        kept = self._amplitude(p) * np.exp(-p["forgetting"] * self.halvings)
        towards = p["signal"] ** 2 * self._alike(p, everyone, self.candidate) * kept
        towards = towards + VAGUE_POINTS**2 * (self.halvings == 0)
        factor = linalg.cho_factor(self._of_seen(parameters), lower=True)
        centre = self.y.mean()
        mean = centre + towards @ linalg.cho_solve(factor, self.y - centre)
        covariance = prior - towards @ linalg.cho_solve(factor, towards.T)
        return Posterior(mean, (covariance + covariance.T) / 2)

    def _of_seen(self, parameters: Floats) -> Floats:
        p = _named(parameters)
        apart = np.abs(self.halvings[:, None] - self.halvings[None])
        amplitude, noise = self._amplitude(p), self._noise(p)
        signal = (
            p["signal"] ** 2 * np.outer(amplitude, amplitude) * np.exp(-p["forgetting"] * apart)
        )
        kernel = signal * self._alike(p, self.candidate, self.candidate)
        kernel = kernel + np.outer(noise, noise) * self.shared_luck
        return np.asarray(kernel + VAGUE_POINTS**2 * (apart == 0) + JITTER * np.eye(len(self.seen)))

    def _alike(self, p: dict[str, float], a: NDArray[np.intp], b: NDArray[np.intp]) -> Floats:
        smooth = matern(self.distance[np.ix_(a, b)] / p["reach"])
        return np.asarray(smooth + p["own"] ** 2 * (a[:, None] == b[None]))

    def _amplitude(self, p: dict[str, float]) -> Floats:
        return np.asarray(2 ** (p["signal_growth"] * self.halvings))

    def _noise(self, p: dict[str, float]) -> Floats:
        """The sd of a single training of each row, in points."""
        return np.asarray(p["noise"] * 2 ** (p["noise_growth"] * self.halvings))


def _named(parameters: Floats) -> dict[str, float]:
    return dict(zip(PRIORS, np.exp(parameters).tolist(), strict=True))
