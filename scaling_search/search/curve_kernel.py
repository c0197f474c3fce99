"""The kernel over a search's trainings: how alike any two of them are expected to be.

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
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from scaling_search.core.stats import Floats
from scaling_search.search.candidates import CandidateIndices

VAGUE_POINTS = 30.0  # prior sd of the mean accuracy at each length and φ
TREND = 1.5  # T: the sd of the trend's slopes, in signals for all of the growth
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
Parameters = dict[str, float]
"""A value of each parameter of PRIORS."""


@dataclass(frozen=True)
class Level:
    """A length of training and a φ, as distances from those that the answer is for."""

    halvings: float = 0.0
    phi_short: float = 0.0


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


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kernel between points `a` (rows) and `b` (columns) of candidates with these shares.

    What no parameter changes is worked out once, since a fit asks for many values of them.
    """

    shares: Floats
    a: Points
    b: Points

    @cached_property
    def distance(self) -> Floats:
        """Between the shares of two points' candidates."""
        return np.asarray(cdist(self._shares_of(self.a), self._shares_of(self.b)))

    @cached_property
    def trend(self) -> Floats:
        """The part that is linear in the shares."""
        return np.asarray(
            TREND**2 * (self._shares_of(self.a) - 1 / 3) @ (self._shares_of(self.b) - 1 / 3).T
        )

    @cached_property
    def same(self) -> Floats:
        """1 where both points are of one candidate, 0 elsewhere."""
        return np.equal.outer(self.a.candidate, self.b.candidate).astype(np.float64)

    @cached_property
    def vague(self) -> Floats:
        """What points of one level share: the mean of all candidates there."""
        lengths = np.equal.outer(self.a.halvings, self.b.halvings)
        alike = lengths & np.equal.outer(self.a.phi_short, self.b.phi_short)
        return np.asarray(VAGUE_POINTS**2 * alike)

    @cached_property
    def halvings(self) -> tuple[Floats, Floats]:
        """Of two points: by how much their lengths differ, and the sum of their halvings."""
        return _gap_and_sum(self.a.halvings, self.b.halvings)

    @cached_property
    def phi_short(self) -> tuple[Floats, Floats]:
        """The same of what their φ fall short by."""
        return _gap_and_sum(self.a.phi_short, self.b.phi_short)

    def _shares_of(self, points: Points) -> Floats:
        return np.asarray(self.shares[points.candidate])

    def prior(self, p: Parameters) -> Floats:
        """The covariance of the candidates' true accuracies before anything is seen."""
        return np.asarray(self.signal(p) + self.vague)

    def signal(self, p: Parameters) -> Floats:
        """The same without the means of the levels."""
        smooth = matern(self.distance / p["length_scale"])
        return np.asarray(self.scale(p) * (self.trend + smooth + p["nugget"] ** 2 * self.same))

    def scale(self, p: Parameters) -> Floats:
        """How far candidates lie apart at both points, and how little these have in common."""
        (length_gap, length_sum), (phi_gap, phi_sum) = self.halvings, self.phi_short
        doublings = p["signal_growth"] * length_sum - p["phi_growth"] * phi_sum
        decay = p["length_decay"] * length_gap + p["phi_decay"] * phi_gap
        return np.asarray(p["signal"] ** 2 * np.exp(math.log(2) * doublings - decay))

    def slopes(self, p: Parameters, alike: Floats) -> dict[str, Floats]:
        """How `signal`, which is `alike`, changes with the logarithm of each of its parameters."""
        scale, (length_gap, length_sum), (phi_gap, phi_sum) = (
            self.scale(p),
            self.halvings,
            self.phi_short,
        )
        return {
            "signal": 2 * alike,
            "length_scale": scale * matern_slope(self.distance / p["length_scale"]),
            "nugget": scale * (2 * p["nugget"] ** 2 * self.same),
            "signal_growth": alike * (p["signal_growth"] * math.log(2) * length_sum),
            "length_decay": alike * (-p["length_decay"] * length_gap),
            "phi_growth": alike * (-p["phi_growth"] * math.log(2) * phi_sum),
            "phi_decay": alike * (-p["phi_decay"] * phi_gap),
        }


def parameters_by_name(parameters: Floats) -> Parameters:
    """The parameters by name, from their logarithms."""
    return dict(zip(PRIORS, np.exp(parameters).tolist(), strict=True))


def matern(distances: Floats) -> Floats:
    """The Matérn-5/2 kernel at distances in length scales.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.search.curve_kernel import matern
        >>> matern(np.array([0.0, 1.0])).round(2).tolist()
        [1.0, 0.52]
    """
    far = math.sqrt(5) * distances
    kernel: Floats = (1 + far + far * far / 3) * np.exp(-far)
    return kernel


def matern_slope(distances: Floats) -> Floats:
    """How the kernel changes with the logarithm of the length scale."""
    far = math.sqrt(5) * distances
    slope: Floats = far * far / 3 * (1 + far) * np.exp(-far)
    return slope


def _gap_and_sum(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    return np.abs(np.subtract.outer(a, b)), np.add.outer(a, b)
