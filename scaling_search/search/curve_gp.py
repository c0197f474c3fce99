"""A Gaussian process over the trainings of a search: of every candidate, length and φ at once.

Notation (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006):

    s    the shares of a candidate, a point of the simplex (rows of an n × 3 matrix)
    h    by how many halvings a training is shorter than in full, 0 for one in full
    p    by how much φ falls short of the one that the answer is for, 0 at that φ
    A    2^(signal_growth · h - phi_growth · p), how far candidates lie apart at (h, p)
    N    noise · 2^(noise_growth · h), the sd of one training of a candidate about its mean

    cov(f, f') = A A' signal² [T² (s - ⅓)·(s' - ⅓) + M(|s - s'| / length_scale) + nugget² [same]]
                 · exp(-length_decay |h - h'| - phi_decay |p - p'|)

M is Matérn 5/2 (their equation 4.17) and the first term a linear trend in the shares. Every (h, p)
has a mean of its own, of which next to nothing is known beforehand. Accuracies are in points.
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

from scaling_search.core.stats import Floats
from scaling_search.search.candidates import CandidateIndices

VAGUE_POINTS = 30.0  # prior sd of the mean accuracy at each length and φ
TREND = 1.5  # T: the sd of the trend's slopes, in signals for all of the growth
JITTER = 1e-8
# How alike the noise of two lengths of one seed is: the longer goes on from the shorter's plateau.
# Between 0.1 and 0.5 for the pairs of lengths in results/tabular.
PLATEAU_CORRELATION = 0.3
# What is expected before anything is seen, as (mean, sd) of the logarithm of each parameter, in
# points and in shares: wide, and there to keep a few trainings from saying the absurd.
PRIORS = {
    "signal": (math.log(1.5), 1.0),
    "length_scale": (math.log(1.0), 0.7),
    "nugget": (math.log(0.3), 0.7),
    "noise": (math.log(0.7), 0.7),
    "signal_growth": (math.log(0.3), 0.7),
    "noise_growth": (math.log(0.3), 0.7),
    "length_decay": (math.log(0.1), 1.0),
    "phi_growth": (math.log(0.5), 0.7),
    "phi_decay": (math.log(0.3), 1.0),
}


@dataclass(frozen=True)
class Level:
    """A length of training and a φ, as distances from those that the answer is for."""

    halvings: float = 0.0
    phi_short: float = 0.0


@dataclass(frozen=True)
class SeedScores:
    """The finished trainings of one candidate at one level: a score in points for each seed.

    `variance` (square points) is what the scores of this row are off by together, whatever their
    number: they may measure something a little else than top-1.
    """

    candidate: int
    level: Level
    scores: Mapping[int, float]
    variance: float = 0.0


@dataclass(frozen=True)
class Points:
    """Candidates at levels: where the process is looked at."""

    candidate: CandidateIndices
    halvings: Floats
    phi_short: Floats

    @staticmethod
    def of(pairs: Sequence[tuple[int, Level]]) -> Points:
        """The points of (candidate, level) pairs."""
        return Points(
            np.array([candidate for candidate, _ in pairs], dtype=np.intp),
            np.array([level.halvings for _, level in pairs], dtype=np.float64),
            np.array([level.phi_short for _, level in pairs], dtype=np.float64),
        )


@dataclass(frozen=True)
class CurveGP:
    """The process over what was seen, one row a group of seeds; `shares` is n × 3."""

    shares: Floats
    rows: Sequence[SeedScores]

    @cached_property
    def points(self) -> Points:
        """Where the rows lie."""
        return Points.of([(row.candidate, row.level) for row in self.rows])

    @cached_property
    def y(self) -> Floats:
        """The mean of each row's seeds, in points."""
        return np.array([np.mean(list(row.scores.values())) for row in self.rows])

    @cached_property
    def squares(self) -> Floats:
        """The sum of squares of each group about its mean."""
        return np.array([np.var(list(r.scores.values())) * len(r.scores) for r in self.rows])

    @cached_property
    def seeds(self) -> Floats:
        """How many seeds each row has."""
        return np.array([len(row.scores) for row in self.rows], dtype=np.float64)

    @cached_property
    def distance(self) -> Floats:
        """Between the shares of any two candidates."""
        return np.asarray(cdist(self.shares, self.shares))

    @cached_property
    def trend(self) -> Floats:
        """The part of the kernel that is linear in the shares, of any two candidates."""
        centred = self.shares - 1 / 3
        return np.asarray(TREND**2 * centred @ centred.T)

    @cached_property
    def shared_noise(self) -> Floats:
        """What part of one training's variance the means of two rows share."""
        shared = np.diag(1 / self.seeds)
        for i, row in enumerate(self.rows):
            for j, other in enumerate(self.rows[:i]):
                same = (row.candidate, row.level.phi_short) == (
                    other.candidate,
                    other.level.phi_short,
                )
                both = len(row.scores.keys() & other.scores.keys()) if same else 0
                part = PLATEAU_CORRELATION * both / self.seeds[i] / self.seeds[j]
                shared[i, j] = shared[j, i] = part
        return shared

    @cached_property
    def extra(self) -> Floats:
        """The variance of each row that more seeds don't lower."""
        return np.diag([row.variance for row in self.rows])

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        """The negative logarithm of the posterior probability of the parameters, and its slope."""
        p, away = parameters_by_name(parameters), self.y - self.y.mean()
        alike, luck = self.signal(p, self.points, self.points), self._noise_shared(p)
        factor = linalg.cho_factor(self._of_rows(alike, luck), lower=True)
        weights = linalg.cho_solve(factor, away)
        noise = self.noise(p, self.points.halvings)
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
        changes = self._changes(p, alike, luck)
        slopes = {name: (left * change).sum() / 2 for name, change in changes.items()}
        slopes["noise"] += (repeats - odds).sum()
        grown = p["noise_growth"] * math.log(2) * self.points.halvings
        slopes["noise_growth"] += (repeats - odds) @ grown
        slope: Floats = np.array([slopes[name] for name in PRIORS]) + (parameters - means) / sds**2
        return float(loss), slope

    def _changes(self, p: dict[str, float], alike: Floats, luck: Floats) -> dict[str, Floats]:
        """How the kernel changes with the logarithm of each parameter."""
        at = self.points
        scale = self._scale(p, at, at)
        same = at.candidate[:, None] == at.candidate[None]
        between = self.distance[np.ix_(at.candidate, at.candidate)]
        halvings = math.log(2) * _sums(at.halvings, at.halvings)
        short = math.log(2) * _sums(at.phi_short, at.phi_short)
        return {
            "signal": 2 * alike,
            "length_scale": scale * matern_slope(between / p["length_scale"]),
            "nugget": scale * 2 * p["nugget"] ** 2 * same,
            "noise": 2 * luck,
            "signal_growth": alike * p["signal_growth"] * halvings,
            "noise_growth": luck * p["noise_growth"] * halvings,
            "length_decay": alike * -p["length_decay"] * _gaps(at.halvings, at.halvings),
            "phi_growth": alike * -p["phi_growth"] * short,
            "phi_decay": alike * -p["phi_decay"] * _gaps(at.phi_short, at.phi_short),
        }

    def at(self, parameters: Floats, points: Points) -> tuple[Floats, Floats]:
        """Mean and covariance at these points, in points of top-1, given all rows."""
        p = parameters_by_name(parameters)
        prior, towards = self.prior(p, points, points), self.prior(p, points, self.points)
        of_rows = self._of_rows(self.signal(p, self.points, self.points), self._noise_shared(p))
        factor = linalg.cho_factor(of_rows, lower=True)
        centre = self.y.mean()
        mean = centre + towards @ linalg.cho_solve(factor, self.y - centre)
        covariance = prior - towards @ linalg.cho_solve(factor, towards.T)
        return mean, (covariance + covariance.T) / 2

    def prior(self, p: dict[str, float], a: Points, b: Points) -> Floats:
        """The covariance of the candidates' true accuracies before anything is seen."""
        return np.asarray(self.signal(p, a, b) + VAGUE_POINTS**2 * _same_level(a, b))

    def signal(self, p: dict[str, float], a: Points, b: Points) -> Floats:
        """The same without the means of the levels."""
        rows, columns = np.ix_(a.candidate, b.candidate)
        smooth = matern(self.distance[rows, columns] / p["length_scale"])
        nugget = p["nugget"] ** 2 * (a.candidate[:, None] == b.candidate[None])
        return np.asarray(self._scale(p, a, b) * (self.trend[rows, columns] + smooth + nugget))

    def noise(self, p: dict[str, float], halvings: Floats) -> Floats:
        """The sd of a single training, in points."""
        return np.asarray(p["noise"] * 2 ** (p["noise_growth"] * halvings))

    def _of_rows(self, alike: Floats, luck: Floats) -> Floats:
        """The covariance of the rows."""
        vague = VAGUE_POINTS**2 * _same_level(self.points, self.points)
        return np.asarray(alike + luck + vague + self.extra + JITTER * np.eye(len(self.rows)))

    def _noise_shared(self, p: dict[str, float]) -> Floats:
        noise = self.noise(p, self.points.halvings)
        return np.asarray(np.outer(noise, noise) * self.shared_noise)

    def _scale(self, p: dict[str, float], a: Points, b: Points) -> Floats:
        decay = p["length_decay"] * _gaps(a.halvings, b.halvings)
        decay = decay + p["phi_decay"] * _gaps(a.phi_short, b.phi_short)
        amplitudes = np.outer(_amplitude(p, a), _amplitude(p, b))
        return np.asarray(p["signal"] ** 2 * amplitudes * np.exp(-decay))


def parameters_by_name(parameters: Floats) -> dict[str, float]:
    """The parameters by name, from their logarithms."""
    return dict(zip(PRIORS, np.exp(parameters).tolist(), strict=True))


def matern(distances: Floats) -> Floats:
    """The Matérn-5/2 kernel at distances in length scales.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.search.curve_gp import matern
        >>> matern(np.array([0.0, 1.0])).round(2).tolist()
        [1.0, 0.52]
    """
    far = math.sqrt(5) * distances
    kernel: Floats = (1 + far + far**2 / 3) * np.exp(-far)
    return kernel


def matern_slope(distances: Floats) -> Floats:
    """How the kernel changes with the logarithm of the length scale."""
    far = math.sqrt(5) * distances
    slope: Floats = far**2 / 3 * (1 + far) * np.exp(-far)
    return slope


def _amplitude(p: dict[str, float], at: Points) -> Floats:
    return np.asarray(2 ** (p["signal_growth"] * at.halvings - p["phi_growth"] * at.phi_short))


def _sums(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, None] + b[None])


def _gaps(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.abs(a[:, None] - b[None]))


def _same_level(a: Points, b: Points) -> NDArray[np.bool_]:
    lengths = a.halvings[:, None] == b.halvings[None]
    return np.asarray(lengths & (a.phi_short[:, None] == b.phi_short[None]))
