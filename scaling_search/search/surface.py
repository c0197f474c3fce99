"""What all trainings of a search say together: a smooth surface over how growth is shared.

Networks that share the growth alike are alike in accuracy, and a short training tells something of
a long one. A Gaussian process over (shares, length) uses both, so that the scatter between seeds
averages out over neighbours and rungs, and so that candidates dropped early, or never tried, have
their say in how sure the answer is (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, algorithm 2.1; its Matérn 5/2 is equation 4.17).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.stats import qmc

from scaling_search.search.evidence import PRIORS, Evidence, Seen

Floats = NDArray[np.float64]

BELIEVABLE_SDS = 4
# Parameters drawn from what the evidence leaves open: of one seed's scores, what is scatter and
# what is the networks' own can hardly be told, and the likeliest guess alone is too sure of itself.
DRAWS = 16
LEAST_CURVATURE = min(1 / sd**2 for _, sd in PRIORS.values())
ROUNDING = 1e-6  # square points: what subtraction may leave a variance short of
NUDGE = 1e-4  # of a parameter's logarithm, to see how the slope changes


@dataclass(frozen=True)
class Posterior:
    """The accuracy of every candidate trained in full, in points: one of several distributions.

    Each is normal and as probable as the others; `means` has a row and `covariances` a matrix for
    each.
    """

    means: Floats
    covariances: Floats

    @property
    def mean(self) -> Floats:
        """The expected accuracy of each candidate."""
        return np.asarray(self.means.mean(axis=0))

    @property
    def sd(self) -> Floats:
        """The standard deviation of each candidate's accuracy."""
        within = self.covariances.diagonal(axis1=1, axis2=2).mean(axis=0)
        return np.asarray(np.sqrt(within + self.means.var(axis=0)))

    def p_best(self, seed: int, draws: int = 4000) -> Floats:
        """How probable it is of each candidate that it is the best."""
        rng, (parts, candidates) = np.random.default_rng(seed), self.means.shape
        roots = _roots(self.covariances)
        normal = rng.standard_normal((parts, draws // parts, candidates))
        drawn = self.means[:, None] + normal @ roots.transpose(0, 2, 1)
        wins = np.bincount(drawn.argmax(axis=2).ravel(), minlength=candidates)
        shares: Floats = wins / wins.sum()
        return shares


def _roots(covariances: Floats) -> Floats:
    """A square root of each; what rounding left below nothing counts as nothing."""
    try:
        nudged = covariances + ROUNDING * np.eye(covariances.shape[-1])
        return np.asarray(np.linalg.cholesky(nudged))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariances)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None])


def posterior(shares: Floats, full_epochs: int, seen: Sequence[Seen]) -> Posterior:
    """What is known of each candidate (rows of `shares`, n × 3) trained for `full_epochs`.

    The parameters are drawn from the normal distribution about the most probable ones (Laplace's
    approximation; Rasmussen and Williams, section 3.4). `seen` holds one training at least.
    """
    evidence = Evidence(shares, full_epochs, seen)
    start = np.array([mean for mean, _ in PRIORS.values()])
    # A line search may leap to where an exponential overflows; nothing worth finding lies there.
    bounds = [
        (mean - BELIEVABLE_SDS * sd, mean + BELIEVABLE_SDS * sd) for mean, sd in PRIORS.values()
    ]
    fitted = optimize.minimize(
        evidence.loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 40},
    )
    drawn = _drawn(evidence, fitted.x)
    parts = [evidence.at_full_length(np.clip(each, *np.transpose(bounds))) for each in drawn]
    means, covariances = zip(*parts, strict=True)
    return Posterior(np.array(means), np.array(covariances))


def _drawn(evidence: Evidence, likeliest: Floats) -> Floats:
    """Parameters as probable as the evidence has them, the same each time."""
    steps = NUDGE * np.eye(len(likeliest))
    rises = [
        evidence.loss(likeliest + step)[1] - evidence.loss(likeliest - step)[1] for step in steps
    ]
    curvature = np.array(rises) / (2 * NUDGE)
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    # What the evidence does not curve, the prior alone does.
    sds = 1 / np.sqrt(np.maximum(values, LEAST_CURVATURE))
    normal = qmc.MultivariateNormalQMC(np.zeros(len(sds)), rng=np.random.default_rng(0))
    drawn: Floats = likeliest + (normal.random(DRAWS) * sds) @ vectors.T
    return drawn
