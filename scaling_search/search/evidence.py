"""What the trainings of a search say under one set of parameters: a Gaussian process over them.

See `search.surface` for what it is good for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.spatial.distance import cdist

from scaling_search.search.gp import matern, matern_slope

Floats = NDArray[np.float64]

VAGUE_POINTS = 30.0  # prior sd of the mean accuracy at each length
JITTER = 1e-8
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
class Evidence:
    """The model over what was seen, one row a group of seeds."""

    shares: Floats
    full_epochs: int
    seen: Sequence[Seen]

    @cached_property
    def y(self) -> Floats:
        """The mean of each row's seeds, in points."""
        return np.array([np.mean(list(one.top1_points.values())) for one in self.seen])

    @cached_property
    def squares(self) -> Floats:
        """The sum of squares of each group about its mean."""
        return np.array(
            [np.var(list(s.top1_points.values())) * len(s.top1_points) for s in self.seen]
        )

    @cached_property
    def seeds(self) -> Floats:
        """How many seeds each row has."""
        return np.array([len(one.top1_points) for one in self.seen], dtype=np.float64)

    @cached_property
    def candidate(self) -> NDArray[np.intp]:
        """The candidate of each row."""
        return np.array([one.candidate for one in self.seen], dtype=np.intp)

    @cached_property
    def halvings(self) -> Floats:
        """How many halvings shorter than in full each training was."""
        return np.log2(self.full_epochs / np.array([one.epochs for one in self.seen], float))

    @cached_property
    def apart(self) -> Floats:
        """By how many halvings the lengths of two rows differ."""
        return np.abs(self.halvings[:, None] - self.halvings[None])

    @cached_property
    def distance(self) -> Floats:
        """Between the shares of any two candidates."""
        return np.asarray(cdist(self.shares, self.shares))

    @cached_property
    def between(self) -> Floats:
        """The distance between the candidates of two rows."""
        return self.distance[np.ix_(self.candidate, self.candidate)]

    @cached_property
    def same(self) -> NDArray[np.bool_]:
        """Whether two rows are of the same candidate."""
        return np.asarray(self.candidate[:, None] == self.candidate[None])

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

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        """The negative logarithm of the posterior probability of the parameters, and its slope."""
        p, away = _named(parameters), self.y - self.y.mean()
        signal, luck = self._signal(p), self._luck(p)
        alike = signal * self._alike(p, self.candidate, self.candidate)
        factor = linalg.cho_factor(self._of_seen(alike, luck), lower=True)
        weights = linalg.cho_solve(factor, away)
        noise = self._noise(p)
        means, sds = np.transpose(list(PRIORS.values()))
        odds, repeats = self.squares / noise**2, self.seeds - 1
        loss = (
            (away @ weights) / 2
            + np.log(np.diag(factor[0])).sum()
            + (odds / 2 + repeats * np.log(noise)).sum()
            + (((parameters - means) / sds) ** 2).sum() / 2
        )
        # Rasmussen and Williams, equation 5.9; seeds about their mean say something of noise alone.
        left = linalg.cho_solve(factor, np.eye(len(away))) - np.outer(weights, weights)
        changes = self._changes(p, signal, alike, luck)
        slopes = {name: (left * change).sum() / 2 for name, change in changes.items()}
        slopes["noise"] += (repeats - odds).sum()
        grown = p["noise_growth"] * math.log(2) * self.halvings
        slopes["noise_growth"] += (repeats - odds) @ grown
        slope: Floats = np.array([slopes[name] for name in PRIORS]) + (parameters - means) / sds**2
        return float(loss), slope

    def _changes(
        self, p: dict[str, float], signal: Floats, alike: Floats, luck: Floats
    ) -> dict[str, Floats]:
        """How the kernel changes with the logarithm of each parameter."""
        together = math.log(2) * (self.halvings[:, None] + self.halvings[None])
        return {
            "signal": 2 * alike,
            "reach": signal * matern_slope(self.between / p["reach"]),
            "own": signal * 2 * p["own"] ** 2 * self.same,
            "noise": 2 * luck,
            "signal_growth": alike * p["signal_growth"] * together,
            "noise_growth": luck * p["noise_growth"] * together,
            "forgetting": alike * -p["forgetting"] * self.apart,
        }

    def at_full_length(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Mean and covariance of every candidate trained in full, in points."""
        p, everyone = _named(parameters), np.arange(len(self.shares))
        prior = p["signal"] ** 2 * self._alike(p, everyone, everyone) + VAGUE_POINTS**2
        kept = self._amplitude(p) * np.exp(-p["forgetting"] * self.halvings)
        towards = p["signal"] ** 2 * self._alike(p, everyone, self.candidate) * kept
        towards = towards + VAGUE_POINTS**2 * (self.halvings == 0)
        alike = self._signal(p) * self._alike(p, self.candidate, self.candidate)
        factor = linalg.cho_factor(self._of_seen(alike, self._luck(p)), lower=True)
        centre = self.y.mean()
        mean = centre + towards @ linalg.cho_solve(factor, self.y - centre)
        covariance = prior - towards @ linalg.cho_solve(factor, towards.T)
        return mean, (covariance + covariance.T) / 2

    def _of_seen(self, alike: Floats, luck: Floats) -> Floats:
        """The covariance of the rows."""
        vague = VAGUE_POINTS**2 * (self.apart == 0)
        return np.asarray(alike + luck + vague + JITTER * np.eye(len(self.seen)))

    def _signal(self, p: dict[str, float]) -> Floats:
        amplitude = self._amplitude(p)
        kept = np.exp(-p["forgetting"] * self.apart)
        return np.asarray(p["signal"] ** 2 * np.outer(amplitude, amplitude) * kept)

    def _luck(self, p: dict[str, float]) -> Floats:
        noise = self._noise(p)
        return np.asarray(np.outer(noise, noise) * self.shared_luck)

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
