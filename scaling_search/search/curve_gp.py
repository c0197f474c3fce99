"""A Gaussian process over the trainings of a search: of every candidate, length and φ at once.

Its kernel is `search.curve_kernel`'s. A row is the mean of one candidate's trainings at one level;
its noise is that of its seeds, of which those that it shares with another length are alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from scaling_search.core.stats import Floats
from scaling_search.search.curve_kernel import (
    PRIORS,
    Kernel,
    Level,
    Parameters,
    Points,
    parameters_by_name,
)

JITTER = 1e-8
# How alike the noise of two lengths of one seed is: the longer goes on from the shorter's plateau.
# Between 0.1 and 0.5 for the pairs of lengths in results/tabular.
PLATEAU_CORRELATION = 0.3


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
class CurveGP:
    """The process over what was seen, one row a group of seeds; `shares` is n × 3."""

    shares: Floats
    rows: Sequence[SeedScores]

    @cached_property
    def points(self) -> Points:
        """Where the rows lie."""
        return Points.of([(row.candidate, row.level) for row in self.rows])

    @cached_property
    def kernel(self) -> Kernel:
        """Between the rows."""
        return Kernel(self.shares, self.points, self.points)

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
    def fixed(self) -> Floats:
        """What no parameter changes: the levels' means, and variances that more seeds don't lower.

        The jitter keeps rounding from making the whole singular.
        """
        variances = np.array([row.variance for row in self.rows])
        return np.asarray(self.kernel.vague + np.diag(variances + JITTER))

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        """The negative logarithm of the posterior probability of the parameters, and its slope."""
        p, away = parameters_by_name(parameters), self.y - self.y.mean()
        alike, luck = self.kernel.signal(p), self._noise_shared(p)
        inverse, log_determinant = _inverse(alike + luck + self.fixed)
        weights = inverse @ away
        noise = self.noise(p, self.points.halvings)
        means, sds = _PRIOR_MEANS, _PRIOR_SDS
        odds, repeats = self.squares / noise**2, self.seeds - 1
        loss = (
            (away @ weights) / 2
            + log_determinant / 2
            + (odds / 2 + repeats * np.log(noise)).sum()
            + (((parameters - means) / sds) ** 2).sum() / 2
        )
        # Rasmussen and Williams, equation 5.9; seeds about their mean say something of noise alone.
        left = inverse - np.outer(weights, weights)
        changes = self.kernel.slopes(p, alike) | self._noise_slopes(p, luck)
        slopes = {name: float(np.vdot(left, change)) / 2 for name, change in changes.items()}
        slopes["noise"] += float((repeats - odds).sum())
        grown = p["noise_growth"] * math.log(2) * self.points.halvings
        slopes["noise_growth"] += float((repeats - odds) @ grown)
        slope: Floats = np.array([slopes[name] for name in PRIORS]) + (parameters - means) / sds**2
        return float(loss), slope

    def at(self, parameters: Floats, points: Points) -> tuple[Floats, Floats]:
        """Mean and covariance at these points, in points of top-1, given all rows."""
        means, covariances = self.at_each(parameters[None], points)
        return means[0], covariances[0]

    def at_each(self, parameters: Floats, points: Points) -> tuple[Floats, Floats]:
        """The same by each of several parameters, the rows of a matrix: k × n and k × n × n."""
        among = Kernel(self.shares, points, points)
        towards = Kernel(self.shares, points, self.points)
        parts = [self._at(parameters_by_name(row), among, towards) for row in parameters]
        means, covariances = zip(*parts, strict=True)
        return np.array(means), np.array(covariances)

    def _at(self, p: Parameters, among: Kernel, towards: Kernel) -> tuple[Floats, Floats]:
        inverse, _ = _inverse(self.kernel.signal(p) + self._noise_shared(p) + self.fixed)
        prior, centre = towards.prior(p), self.y.mean()
        gain = prior @ inverse
        covariance = among.prior(p) - gain @ prior.T
        return centre + gain @ (self.y - centre), (covariance + covariance.T) / 2

    def noise(self, p: Parameters, halvings: Floats) -> Floats:
        """The sd of a single training, in points."""
        return np.asarray(p["noise"] * 2 ** (p["noise_growth"] * halvings))

    def _noise_shared(self, p: Parameters) -> Floats:
        noise = self.noise(p, self.points.halvings)
        return np.asarray(np.outer(noise, noise) * self.shared_noise)

    def _noise_slopes(self, p: Parameters, luck: Floats) -> dict[str, Floats]:
        """How the noise that rows share changes with the logarithm of each of its parameters."""
        _, length_sum = self.kernel.halvings
        growth = p["noise_growth"] * math.log(2) * length_sum
        return {"noise": 2 * luck, "noise_growth": luck * growth}


_PRIOR_MEANS, _PRIOR_SDS = np.transpose(list(PRIORS.values()))


def _inverse(covariance: Floats) -> tuple[Floats, float]:
    """Of a positive definite matrix: its inverse, and the logarithm of its determinant."""
    factor, failure = lapack.dpotrf(covariance, lower=True)
    if failure:
        raise np.linalg.LinAlgError("the covariance of the rows is not positive definite")
    lower, _ = lapack.dpotri(factor, lower=True)
    inverse: Floats = lower + np.tril(lower, -1).T
    return inverse, 2 * float(np.log(np.diag(factor)).sum())
