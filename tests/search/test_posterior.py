"""The surface over shares and lengths: what neighbours and rungs say of a candidate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from scaling_search.search.curve_gp import CurveGP, SeedScores
from scaling_search.search.curve_kernel import PRIORS, Level, Points
from scaling_search.search.posterior import Posterior, posterior

# Candidates along one line: all growth in depth to all growth in resolution.
LINE = np.array([(1 - x, 0.0, x) for x in np.linspace(0, 1, 11)])


IN_FULL, ALL = Level(), Points.of([(i, Level()) for i in range(11)])


def hill(noise: float, seed: int = 0) -> list[SeedScores]:
    """Every second candidate trained twice, on a hill with its top at the seventh."""
    rng = np.random.default_rng(seed)
    return [
        SeedScores(
            i,
            IN_FULL,
            {s: 80 - 20 * (LINE[i, 2] - 0.6) ** 2 + rng.normal(0, noise) for s in (0, 1)},
        )
        for i in range(0, 11, 2)
    ]


def test_a_candidate_between_two_seen_ones_is_expected_between_them() -> None:
    after = posterior(LINE, hill(noise=0.1))
    assert after.mean[6] == pytest.approx(80, abs=0.3)
    assert after.mean[5] == pytest.approx(79.8, abs=0.4)
    assert after.mean[0] == pytest.approx(72.8, abs=0.5)


def test_what_was_seen_is_known_better_than_what_was_not() -> None:
    deviation = posterior(LINE, hill(noise=0.1)).sd
    assert deviation[4] < deviation[5]


def test_more_noise_leaves_more_doubt_about_the_best() -> None:
    sure, unsure = (posterior(LINE, hill(noise=sd)) for sd in (0.05, 2.0))
    assert (sure.sd < unsure.sd).all()
    assert sure.p_best.sum() == pytest.approx(1)


def test_short_trainings_order_the_long_ones() -> None:
    short = [SeedScores(row.candidate, Level(3), row.scores) for row in hill(noise=0.1)]
    long = [SeedScores(0, IN_FULL, {0: 90.0})]
    after = posterior(LINE, [*short, *long])
    assert after.mean.argmax() in (5, 6, 7)
    assert after.mean[0] == pytest.approx(90.0, abs=1.5)


def test_the_truly_best_is_in_the_credible_half_as_often_as_it_says() -> None:
    """Calibration: on drawn hills the probability given to the best is right on average."""
    said, hit = 0.0, 0
    for seed in range(60):
        chances = posterior(LINE, hill(noise=1.0, seed=seed), seed).p_best
        first = chances.argsort()[::-1][:3]
        said += chances[first].sum()
        hit += 6 in first
    assert hit / 60 >= said / 60 - 0.15


def test_the_slope_of_the_loss_is_its_derivative() -> None:
    full = hill(noise=1.0)
    short = [SeedScores(r.candidate, Level(2), {0: 60.0 + r.candidate, 3: 61.0}, 0.2) for r in full]
    small = [SeedScores(r.candidate, Level(1, 1.0), {0: 70.0 - r.candidate}) for r in full]
    evidence = CurveGP(LINE, [*full, *short, *small])
    at = np.array([mean for mean, _ in PRIORS.values()]) + 0.3
    steps = 1e-5 * np.eye(len(at))
    rises = [evidence.loss(at + step)[0] - evidence.loss(at - step)[0] for step in steps]
    assert evidence.loss(at)[1] == pytest.approx(np.array(rises) / 2e-5, rel=1e-5)


def test_one_seed_leaves_more_doubt_than_the_likeliest_scatter_has() -> None:
    """Scatter and the networks' own are hard to tell apart: that they may be otherwise counts."""
    single = [SeedScores(row.candidate, IN_FULL, {0: row.scores[0]}) for row in hill(noise=1.0)]
    evidence = CurveGP(LINE, single)
    start = np.array([mean for mean, _ in PRIORS.values()])
    likeliest = optimize.minimize(evidence.loss, start, jac=True).x
    alone = np.diag(evidence.at(likeliest, ALL)[1])
    assert (posterior(LINE, single).sd ** 2).mean() > 1.1 * alone.mean()


def test_the_same_evidence_gives_the_same_chances() -> None:
    first, second = (posterior(LINE, hill(noise=1.0)).p_best for _ in range(2))
    assert (first == second).all()


def test_a_variance_that_rounding_left_below_nothing_counts_as_nothing() -> None:
    known = Posterior(np.array([[1.0, 0.0]]), np.array([[[-1e-3, 0.0], [0.0, 1e-12]]]))
    assert known.p_best.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 30.0])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_whatever_was_seen_the_chances_add_up_to_one(scale: float, count: int) -> None:
    rng = np.random.default_rng(count)
    seen = [
        SeedScores(i % 11, level, {s: 50 + scale * rng.normal() for s in range(1 + i % 3)})
        for i in range(count)
        for level in (Level(3), IN_FULL)
    ]
    chances = posterior(LINE, seen).p_best
    assert np.isfinite(chances).all()
    assert chances.sum() == pytest.approx(1)


def test_a_smaller_phi_tells_of_a_larger_one_but_less_surely() -> None:
    there = posterior(LINE, hill(noise=0.1))
    smaller = [SeedScores(row.candidate, Level(0, 1.0), row.scores) for row in hill(noise=0.1)]
    from_below = posterior(LINE, smaller)
    assert from_below.mean.argmax() in (5, 6, 7)
    assert np.ptp(from_below.mean) > 0.5 * np.ptp(there.mean)
    best, worst = from_below.mean.argmax(), from_below.mean.argmin()
    apart = (from_below.draws[:, best] - from_below.draws[:, worst]).std()
    assert apart > (there.draws[:, best] - there.draws[:, worst]).std()


def test_the_regret_is_what_the_best_lies_above_a_candidate() -> None:
    known = Posterior(np.array([[70.0, 72.0, 71.0]]), np.zeros((1, 3, 3)))
    assert known.expected_regret(1) == pytest.approx(0.0, abs=0.01)
    assert known.expected_regret(0) == pytest.approx(2.0, abs=0.01)
    assert known.p_within(2, 1.1) == 1.0
    assert known.p_within(2, 0.5) == 0.0


def test_two_equal_candidates_regret_half_of_how_far_they_may_lie_apart() -> None:
    # The larger of two independent standard normal values is 1/√π on average.
    known = Posterior(np.zeros((1, 2)), np.eye(2)[None], seed=1)
    assert known.expected_regret(0) == pytest.approx(np.pi**-0.5, abs=0.05)


def test_shared_noise_is_that_of_seeds_of_one_candidate_and_phi() -> None:
    rows = [
        SeedScores(0, IN_FULL, {0: 1.0, 1: 2.0}),
        SeedScores(0, Level(1), {1: 1.0, 2: 1.0}),
        SeedScores(1, Level(1), {1: 1.0}),
        SeedScores(0, Level(1, 1.0), {1: 1.0}),
    ]
    shared = CurveGP(LINE, rows).shared_noise
    assert np.diag(shared).tolist() == [0.5, 0.5, 1.0, 1.0]
    assert shared[0, 1] == pytest.approx(0.3 / 4)  # one seed of two each
    assert shared[0, 2] == shared[0, 3] == shared[1, 3] == 0


def test_the_sign_that_a_processor_gives_an_eigenvector_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, eigh = posterior(LINE, hill(noise=0.5)), np.linalg.eigh

    def other_signs(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = eigh(matrix)
        signs = np.where(np.arange(vectors.shape[-1]) % 2, 1.0, -1.0)
        return values, vectors * signs

    monkeypatch.setattr(np.linalg, "eigh", other_signs)
    there = posterior(LINE, hill(noise=0.5))
    assert there.means == pytest.approx(here.means, abs=1e-9)
    assert there.p_best == pytest.approx(here.p_best)


def test_scores_that_differ_by_rounding_give_the_same_answer() -> None:
    rows = hill(noise=0.5)
    rounded = [
        SeedScores(row.candidate, row.level, {s: x * (1 + 1e-13) for s, x in row.scores.items()})
        for row in rows
    ]
    exact, nearby = posterior(LINE, rows), posterior(LINE, rounded)
    assert exact.p_best == pytest.approx(nearby.p_best, abs=1e-3)
    assert exact.mean == pytest.approx(nearby.mean, abs=1e-6)
