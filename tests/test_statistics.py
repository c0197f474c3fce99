"""Hand-computed truths about means, differences, many p values, ties and P(best)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scaling_search.statistics import (
    holm,
    mean_interval,
    paired_difference,
    ties,
    verdict_of,
)

NAN = float("nan")


def test_the_interval_of_1_2_3_is_two_plus_minus_4_303_over_root_three():
    interval = mean_interval([1.0, 2.0, 3.0])
    assert (interval.mean, interval.sd, interval.n) == (2.0, 1.0, 3)
    assert interval.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert 2.0 - interval.low == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_one_value_has_a_mean_but_no_interval():
    interval = mean_interval([0.7])
    assert (interval.mean, interval.n) == (0.7, 1)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_no_value_has_neither():
    interval = mean_interval([])
    assert interval.n == 0
    assert math.isnan(interval.mean)


def test_pairing_uses_shared_seeds_alone_and_takes_out_what_a_seed_does_to_both():
    left = {0: 0.51, 1: 0.72, 2: 0.93, 7: 0.1}
    right = {0: 0.50, 1: 0.70, 2: 0.90, 8: 0.9}
    difference = paired_difference(left, right)
    # Differences 0.01, 0.02, 0.03: t = 0.02 / (0.01 / √3) = 3.4641 at two degrees of freedom.
    assert difference.n == 3
    assert difference.mean == pytest.approx(0.02)
    assert difference.p_value == pytest.approx(0.0741799, rel=1e-5)
    assert difference.verdict == "no difference found"


@pytest.mark.parametrize(("sign", "verdict"), [(1, "better"), (-1, "worse")])
def test_a_steady_difference_is_a_verdict(sign, verdict):
    left = {seed: 0.5 + sign * (0.1 + 0.001 * seed) for seed in range(4)}
    assert paired_difference(left, dict.fromkeys(range(4), 0.5)).verdict == verdict


def test_one_shared_seed_is_a_single_run_and_none_is_no_comparison():
    assert paired_difference({0: 0.6}, {0: 0.5}).verdict == "single run"
    assert paired_difference({0: 0.6}, {1: 0.5}).verdict == "not compared"


def test_equal_runs_differ_by_nothing_at_p_one():
    difference = paired_difference({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.6})
    assert (difference.p_value, difference.verdict) == (1.0, "no difference found")


def test_a_verdict_follows_the_p_value_given():
    assert verdict_of(1.0, 0.049) == "better"
    assert verdict_of(1.0, 0.05) == "no difference found"


def test_holm_multiplies_by_the_rank_from_the_smallest_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1.0, 1.0)


def test_holm_leaves_nan_alone_and_does_not_count_it():
    assert holm([0.01, NAN, 0.04])[0] == pytest.approx(0.02)
    assert math.isnan(holm([0.01, NAN])[1])


def test_with_single_runs_everything_ties_best_first():
    assert ties({"a": {0: 0.1}, "b": {0: 0.9}, "c": {0: 0.5}}) == ("b", "c", "a")


def test_a_candidate_far_below_the_pooled_scatter_drops_out():
    samples = {
        "good": {0: 0.80, 1: 0.81, 2: 0.79},
        "near": {0: 0.795, 1: 0.80, 2: 0.80},
        "bad": {0: 0.60, 1: 0.61, 2: 0.60},
    }
    assert ties(samples) == ("good", "near")


def test_a_lucky_small_scatter_of_one_pair_proves_nothing_below_six_seeds():
    # Alone, "second" is below "best" by 0.010 ± 0.0001; the other candidates show that seeds
    # scatter by some 0.02.
    samples = {
        "best": {0: 0.80, 1: 0.80, 2: 0.80},
        "second": {0: 0.79, 1: 0.7901, 2: 0.79},
        "third": {0: 0.77, 1: 0.81, 2: 0.79},
        "fourth": {0: 0.81, 1: 0.77, 2: 0.79},
    }
    assert paired_difference(samples["second"], samples["best"]).verdict == "worse"
    assert "second" in ties(samples)


def test_from_six_seeds_on_a_pair_speaks_for_itself():
    loud = {seed: 0.79 + 0.05 * (-1) ** seed for seed in range(6)}
    samples = {
        "best": dict.fromkeys(range(6), 0.80),
        "second": {seed: 0.79 + 0.0001 * seed for seed in range(6)},
        "loud": loud,
    }
    assert ties(samples) == ("best", "loud")


def test_unequal_numbers_of_seeds_are_pooled_too():
    samples = {"a": {0: 0.80, 1: 0.81}, "b": {0: 0.80}, "c": {0: 0.30, 1: 0.31}}
    assert ties(samples) == ("a", "b")


def test_one_candidate_is_its_own_tie_and_none_is_none():
    assert ties({"only": {0: 0.5}}) == ("only",)
    assert ties({}) == ()


def test_the_truly_best_stays_in_at_least_95_times_in_100():
    rng = np.random.default_rng(5)
    kept = 0
    for _ in range(200):
        values = rng.normal(0.7, 0.01, (20, 3))
        samples = {str(i): dict(enumerate(row)) for i, row in enumerate(values.tolist())}
        kept += "0" in ties(samples)
    assert kept >= 185
