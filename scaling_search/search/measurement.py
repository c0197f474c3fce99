"""Top-1 and cross-entropy of a training as one score in points of top-1.

Both say the same of a network, and the loss with less noise: from seed to seed it scatters less,
compared with how far the networks of a search lie apart, than top-1 does. So the loss is brought
into points, and both are averaged with the weights of least error (the best linear unbiased
estimate of two measurements). What the loss says of a network beyond its accuracy is a term of its
own, which more seeds don't average out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.search.curve_gp import SeedScores
from scaling_search.search.curve_kernel import Level
from scaling_search.training.history import Scores

# Below so many networks at a level nothing can be said of how loss and top-1 go together there.
LEAST_NETWORKS = 4
# One training's noise in points (top-1, loss), and how it goes together: CIFAR-10, eight networks
# and five seeds, with the weight of so many seeds where data say otherwise.
NOISE_POINTS, LOSS_NOISE, CORRELATION, NOISE_WEIGHT = 0.9, 0.6, 0.7, 6.0
# The true losses and accuracies of networks are taken to correlate by no more than this.
MOST_ALIKE = 0.95
ALIKE_WEIGHT = 5.0
LEAST_SIGNAL = 0.25  # square points


@dataclass(frozen=True)
class SeedGroup:
    """The finished trainings of one candidate at one level, by seed."""

    candidate: int
    level: Level
    scores: Mapping[int, Scores]

    def with_seed(self, seed: int, scores: Scores) -> SeedGroup:
        """The group with one more training."""
        return replace(self, scores={**self.scores, seed: scores})


@dataclass(frozen=True)
class Combination:
    """How a level's scores are combined: `weight` is top-1's, the loss in points has the rest.

    `points_per_nat` and the two centres bring the loss into points; `own_variance` is that of the
    loss's own term, in square points.
    """

    weight: float = 1.0
    points_per_nat: float = 0.0
    centre_points: float = 0.0
    centre_nats: float = 0.0
    own_variance: float = 0.0

    @property
    def variance(self) -> float:
        """What the loss's own term adds to a row's score, in square points."""
        return (1 - self.weight) ** 2 * self.own_variance

    def score(self, scores: Scores) -> float:
        """One training's score in points of top-1."""
        if self.weight == 1.0:
            return 100 * scores.top1
        by_loss = self.centre_points - self.points_per_nat * (scores.loss - self.centre_nats)
        return self.weight * 100 * scores.top1 + (1 - self.weight) * by_loss


def rows_of(groups: Sequence[SeedGroup]) -> list[SeedScores]:
    """Every group with one score a seed; each level is combined by what its own groups show."""
    levels = dict.fromkeys(group.level for group in groups)
    by_level = {level: combination([g for g in groups if g.level == level]) for level in levels}
    return [
        SeedScores(
            group.candidate,
            group.level,
            {seed: by_level[group.level].score(s) for seed, s in group.scores.items()},
            by_level[group.level].variance,
        )
        for group in groups
    ]


def combination(groups: Sequence[SeedGroup]) -> Combination:
    """The combination of one level; top-1 alone where few networks, or no losses, are known."""
    tables = [np.array([(100 * s.top1, s.loss) for s in g.scores.values()]) for g in groups]
    if len(tables) < LEAST_NETWORKS or not np.isfinite(np.concatenate(tables)).all():
        return Combination()
    means = np.array([table.mean(axis=0) for table in tables])
    spread = means.std(axis=0, ddof=1)
    if not spread.min() > 0:
        return Combination()
    share = float(np.mean([1 / len(table) for table in tables]))  # of one training's noise
    points_per_nat = _slope(tables, means, share)
    scaled = [table * (1.0, -points_per_nat) for table in tables]
    noise = _noise(scaled) * share
    variance = _own_variance(np.array([table.mean(axis=0) for table in scaled]), noise)
    apart = noise[0, 0] + noise[1, 1] + variance - 2 * noise[0, 1]
    weight = float(np.clip((noise[1, 1] + variance - noise[0, 1]) / apart, 0.0, 1.0))
    centre_points, centre_nats = means.mean(axis=0).tolist()
    return Combination(weight, points_per_nat, centre_points, centre_nats, variance)


def _slope(tables: Sequence[Floats], means: Floats, share: float) -> float:
    """Points of top-1 per nat: the ratio of how far networks lie apart in both, noise taken out."""
    spread = means.std(axis=0, ddof=1)
    rough = float(spread[0] / spread[1])
    scaled = [table * (1.0, -rough) for table in tables]
    noise = np.diag(_noise(scaled)) * share
    true = (spread * (1.0, rough)) ** 2 - noise
    # Of few networks the difference may be anything: half of what is seen is left at least.
    true = np.maximum(true, (spread * (1.0, rough)) ** 2 / 2)
    return rough * float(np.sqrt(true[0] / true[1]))


def _noise(tables: Sequence[Floats]) -> Floats:
    """The covariance of one training's (top-1, loss) about its network's mean, in square points."""
    within = sum(((t - t.mean(axis=0)).T @ (t - t.mean(axis=0)) for t in tables), np.zeros((2, 2)))
    freedom = sum(len(table) - 1 for table in tables)
    both = CORRELATION * LOSS_NOISE
    prior = NOISE_POINTS**2 * np.array([[1.0, both], [both, LOSS_NOISE**2]])
    return np.asarray((within + NOISE_WEIGHT * prior) / (freedom + NOISE_WEIGHT))


def _own_variance(means: Floats, noise: Floats) -> float:
    """The variance of the loss's own term: what keeps losses and accuracies from agreeing."""
    signal = max(LEAST_SIGNAL, float(means[:, 0].var(ddof=1) - noise[0, 0]))
    expected = (1 / MOST_ALIKE**2 - 1) * signal
    apart = float((means[:, 0] - means[:, 1]).var(ddof=1))
    seen = max(0.0, apart - (noise[0, 0] + noise[1, 1] - 2 * noise[0, 1]))
    return float((ALIKE_WEIGHT * expected + len(means) * seen) / (ALIKE_WEIGHT + len(means)))
