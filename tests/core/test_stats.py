"""Hand-computed truths about means, intervals and paired differences."""

from __future__ import annotations

import math
from typing import Literal

import pytest

from scaling_search.core.stats import (
    mean_interval,
    paired_difference,
    verdict_of,
)


def test_the_interval_of_1_2_3_is_two_plus_minus_4_303_over_root_three() -> None:
    interval = mean_interval([1.0, 2.0, 3.0])
    assert (interval.mean, interval.sd, interval.n) == (2.0, 1.0, 3)
    assert interval.high - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert 2.0 - interval.low == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_one_value_has_a_mean_but_no_interval() -> None:
    interval = mean_interval([0.7])
    assert (interval.mean, interval.n) == (0.7, 1)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_no_value_has_neither() -> None:
    interval = mean_interval([])
    assert interval.n == 0
    assert math.isnan(interval.mean)


def test_pairing_uses_shared_seeds_alone_and_takes_out_what_a_seed_does_to_both() -> None:
    left = {0: 0.51, 1: 0.72, 2: 0.93, 7: 0.1}
    right = {0: 0.50, 1: 0.70, 2: 0.90, 8: 0.9}
    difference = paired_difference(left, right)
    # Differences 0.01, 0.02, 0.03: t = 0.02 / (0.01 / √3) = 3.4641 at two degrees of freedom.
    assert difference.n == 3
    assert difference.mean == pytest.approx(0.02)
    assert difference.p_value == pytest.approx(0.0741799, rel=1e-5)
    assert difference.verdict == "no difference found"


@pytest.mark.parametrize(("sign", "verdict"), [(1, "better"), (-1, "worse")])
def test_a_steady_difference_is_a_verdict(sign: int, verdict: Literal["better", "worse"]) -> None:
    left = {seed: 0.5 + sign * (0.1 + 0.001 * seed) for seed in range(4)}
    assert paired_difference(left, dict.fromkeys(range(4), 0.5)).verdict == verdict


def test_one_shared_seed_is_a_single_run_and_none_is_no_comparison() -> None:
    assert paired_difference({0: 0.6}, {0: 0.5}).verdict == "single run"
    assert paired_difference({0: 0.6}, {1: 0.5}).verdict == "not compared"


def test_equal_runs_differ_by_nothing_at_p_one() -> None:
    difference = paired_difference({0: 0.5, 1: 0.6}, {0: 0.5, 1: 0.6})
    assert (difference.p_value, difference.verdict) == (1.0, "no difference found")


def test_a_verdict_follows_the_p_value_given() -> None:
    assert verdict_of(1.0, 0.049) == "better"
    assert verdict_of(1.0, 0.05) == "no difference found"
