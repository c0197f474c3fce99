"""The surface over shares and lengths: what neighbours and rungs say of a candidate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from scaling_search.search.evidence import PRIORS, Evidence, Seen
from scaling_search.search.surface import Posterior, posterior

# Candidates along one line: all growth in depth to all growth in resolution.
LINE = np.array([(1 - x, 0.0, x) for x in np.linspace(0, 1, 11)])


def hill(noise: float, epochs: int = 8, seed: int = 0) -> list[Seen]:
    """Every second candidate trained twice, on a hill with its top at the seventh."""
    rng = np.random.default_rng(seed)
    return [
        Seen(
            i, epochs, {s: 80 - 20 * (LINE[i, 2] - 0.6) ** 2 + rng.normal(0, noise) for s in (0, 1)}
        )
        for i in range(0, 11, 2)
    ]


def test_a_candidate_between_two_seen_ones_is_expected_between_them() -> None:
    after = posterior(LINE, 8, hill(noise=0.1))
    assert after.mean[6] == pytest.approx(80, abs=0.3)
    assert after.mean[5] == pytest.approx(79.8, abs=0.4)
    assert after.mean[0] == pytest.approx(72.8, abs=0.5)


def test_what_was_seen_is_known_better_than_what_was_not() -> None:
    deviation = posterior(LINE, 8, hill(noise=0.1)).sd
    assert deviation[4] < deviation[5]


def test_more_noise_leaves_more_doubt_about_the_best() -> None:
    sure, unsure = (posterior(LINE, 8, hill(noise=sd)) for sd in (0.05, 2.0))
    assert (sure.sd < unsure.sd).all()
    assert sure.p_best(0).sum() == pytest.approx(1)


def test_short_trainings_order_the_long_ones() -> None:
    short = [Seen(one.candidate, 1, one.top1_points) for one in hill(noise=0.1)]
    long = [Seen(0, 8, {0: 90.0})]
    after = posterior(LINE, 8, [*short, *long])
    assert after.mean.argmax() in (5, 6, 7)
    assert after.mean[0] == pytest.approx(90.0, abs=1.5)


def test_the_truly_best_is_in_the_credible_half_as_often_as_it_says() -> None:
    """Calibration: on drawn hills the probability given to the best is right on average."""
    said, hit = 0.0, 0
    for seed in range(60):
        chances = posterior(LINE, 8, hill(noise=1.0, seed=seed)).p_best(seed)
        first = chances.argsort()[::-1][:3]
        said += chances[first].sum()
        hit += 6 in first
    assert hit / 60 >= said / 60 - 0.15


def test_the_slope_of_the_loss_is_its_derivative() -> None:
    short = [Seen(one.candidate, 2, {0: 60.0 + one.candidate, 3: 61.0}) for one in hill(noise=1.0)]
    evidence = Evidence(LINE, 8, [*hill(noise=1.0), *short])
    at = np.array([mean for mean, _ in PRIORS.values()]) + 0.3
    steps = 1e-5 * np.eye(len(at))
    rises = [evidence.loss(at + step)[0] - evidence.loss(at - step)[0] for step in steps]
    assert evidence.loss(at)[1] == pytest.approx(np.array(rises) / 2e-5, rel=1e-5)


def test_one_seed_leaves_more_doubt_than_the_likeliest_scatter_has() -> None:
    """Scatter and the networks' own are hard to tell apart: that they may be otherwise counts."""
    single = [Seen(one.candidate, 8, {0: one.top1_points[0]}) for one in hill(noise=1.0)]
    evidence = Evidence(LINE, 8, single)
    start = np.array([mean for mean, _ in PRIORS.values()])
    likeliest = optimize.minimize(evidence.loss, start, jac=True).x
    alone = np.diag(evidence.at_full_length(likeliest)[1])
    assert (posterior(LINE, 8, single).sd ** 2).mean() > 1.1 * alone.mean()


def test_the_same_evidence_gives_the_same_chances() -> None:
    first, second = (posterior(LINE, 8, hill(noise=1.0)).p_best(3) for _ in range(2))
    assert (first == second).all()


def test_a_variance_that_rounding_left_below_nothing_counts_as_nothing() -> None:
    known = Posterior(np.array([[1.0, 0.0]]), np.array([[[-1e-3, 0.0], [0.0, 1e-12]]]))
    assert known.p_best(0).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 30.0])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_whatever_was_seen_the_chances_add_up_to_one(scale: float, count: int) -> None:
    rng = np.random.default_rng(count)
    seen = [
        Seen(i % 11, epochs, {s: 50 + scale * rng.normal() for s in range(1 + i % 3)})
        for i in range(count)
        for epochs in (1, 8)
    ]
    chances = posterior(LINE, 8, seen).p_best(0)
    assert np.isfinite(chances).all()
    assert chances.sum() == pytest.approx(1)
