"""What all trainings of a search say together of every candidate trained in full.

Networks that share the growth alike are alike in accuracy, and a short training, or one at a
smaller φ, tells something of a long one at a larger. A Gaussian process (`search.curve_gp`) uses
all of it, so that the scatter between seeds averages out over neighbours and levels, and so that
candidates dropped early, or never tried, have their say in how sure the answer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize
from scipy.stats import qmc

from scaling_search.core.stats import Floats
from scaling_search.search.curve_gp import CurveGP, SeedScores
from scaling_search.search.curve_kernel import PRIORS, Level, Points

BELIEVABLE_SDS = 4
# Parameters drawn from what the evidence leaves open: of one seed's scores, what is scatter and
# what is the networks' own can hardly be told, and the likeliest guess alone is too sure of itself.
PARAMETER_DRAWS = 16
LEAST_CURVATURE = min(1 / sd**2 for _, sd in PRIORS.values())
ROUNDING_SQUARE_POINTS = 1e-6  # square points: what subtraction may leave a variance short of
NUDGE = 1e-4  # of a parameter's logarithm, to see how the slope changes
ACCURACY_DRAWS = 4000


@dataclass(frozen=True)
class Posterior:
    """The accuracy of every candidate trained in full, in points: one of several distributions.

    Each is normal and as probable as the others; `means` has a row and `covariances` a matrix for
    each. `seed` draws from them.
    """

    means: Floats
    covariances: Floats
    seed: int = 0

    @property
    def mean(self) -> Floats:
        """The expected accuracy of each candidate."""
        return np.asarray(self.means.mean(axis=0))

    @property
    def sd(self) -> Floats:
        """The standard deviation of each candidate's accuracy."""
        within = self.covariances.diagonal(axis1=1, axis2=2).mean(axis=0)
        return np.asarray(np.sqrt(within + self.means.var(axis=0)))

    @cached_property
    def draws(self) -> Floats:
        """Accuracies of all candidates drawn together, a row a draw."""
        parts, candidates = self.means.shape
        normal = np.random.default_rng(self.seed).standard_normal(
            (parts, ACCURACY_DRAWS // parts, candidates)
        )
        roots = _roots(self.covariances).transpose(0, 2, 1)
        return np.asarray((self.means[:, None] + normal @ roots).reshape(-1, candidates))

    @cached_property
    def p_best(self) -> Floats:
        """How probable it is of each candidate that it is the best."""
        wins = np.bincount(self.draws.argmax(axis=1), minlength=self.draws.shape[1])
        shares: Floats = wins / wins.sum()
        return shares

    def expected_regret(self, candidate: int) -> float:
        """By how many points the best of all is expected to lie above this candidate."""
        return float((self.draws.max(axis=1) - self.draws[:, candidate]).mean())

    def p_within(self, candidate: int, points: float) -> float:
        """How probable it is that this candidate is at most so many points below the best."""
        return float((self.draws.max(axis=1) - self.draws[:, candidate] <= points).mean())


def _roots(covariances: Floats) -> Floats:
    """A square root of each; what rounding left below nothing counts as nothing."""
    try:
        nudged = covariances + ROUNDING_SQUARE_POINTS * np.eye(covariances.shape[-1])
        return np.asarray(np.linalg.cholesky(nudged))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariances)
        return _symmetric(np.sqrt(np.maximum(values, 0.0)), vectors)


def _symmetric(roots: Floats, vectors: Floats) -> Floats:
    """The symmetric matrices of these eigenvalues; an eigenvector's sign is the processor's."""
    return np.asarray((vectors * roots[..., None, :]) @ np.swapaxes(vectors, -1, -2))


def posterior(shares: Floats, rows: Sequence[SeedScores], seed: int = 0) -> Posterior:
    """What is known of each candidate (rows of `shares`, n × 3) in full, at the answer's φ.

    The parameters are drawn from the normal distribution about the most probable ones (Laplace's
    approximation; Rasmussen and Williams, section 3.4). `rows` holds one training at least.
    """
    process = CurveGP(shares, rows)
    likeliest = likeliest_parameters(process)
    parameters = _drawn(process, likeliest)
    target = Points.of([(candidate, Level()) for candidate in range(len(shares))])
    means, covariances = process.at_each(np.clip(parameters, *np.transpose(_BOUNDS)), target)
    return Posterior(means, covariances, seed)


# A line search may leap to where an exponential overflows; nothing worth finding lies there.
_BOUNDS = [(mean - BELIEVABLE_SDS * sd, mean + BELIEVABLE_SDS * sd) for mean, sd in PRIORS.values()]


def likeliest_parameters(process: CurveGP) -> Floats:
    """The logarithms of the most probable parameters."""
    fitted = optimize.minimize(
        process.loss,
        np.array([mean for mean, _ in PRIORS.values()]),
        jac=True,
        method="L-BFGS-B",
        bounds=_BOUNDS,
        options={"maxiter": 40},
    )
    return np.asarray(fitted.x)


def _drawn(process: CurveGP, likeliest: Floats) -> Floats:
    """Parameters as probable as the evidence has them, the same each time."""
    loss, steps = process.loss, NUDGE * np.eye(len(likeliest))
    rises = [loss(likeliest + step)[1] - loss(likeliest - step)[1] for step in steps]
    curvature = np.array(rises) / (2 * NUDGE)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    # What the evidence does not curve, the prior alone does.
    sds = 1 / np.sqrt(np.maximum(values, LEAST_CURVATURE))
    normal = qmc.MultivariateNormalQMC(np.zeros(len(sds)), rng=np.random.default_rng(0))
    parameters: Floats = likeliest + normal.random(PARAMETER_DRAWS) @ _symmetric(sds, vectors)
    return parameters
