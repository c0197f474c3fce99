"""Shares with intervals and McNemar's test: truths by hand, and scipy's."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from scaling_search.pretrained.scores import (
    accuracy,
    balanced_accuracy,
    holm,
    mcnemar,
    neighbours,
    paired_interval,
    wilson,
)


@pytest.mark.parametrize(("right", "n"), [(0, 5), (3, 7), (777, 1000), (50, 50)])
def test_wilsons_interval_is_scipys(right: int, n: int) -> None:
    expected = stats.binomtest(right, n).proportion_ci(method="wilson")
    found = wilson(right / n, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_with_as_many_images_a_class_balanced_accuracy_is_accuracy() -> None:
    right = pd.Series([1, 1, 0, 1, 0, 0])
    classes = pd.Series([7, 7, 8, 8, 9, 9])
    found, expected = balanced_accuracy(right, classes), accuracy(right)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_a_rare_class_counts_as_much_as_a_common_one_and_widens_the_interval() -> None:
    right = pd.Series([1] * 8 + [0, 0])
    classes = pd.Series([0] * 8 + [1, 1])
    found = balanced_accuracy(right, classes)
    assert found.value == 0.5
    # 4 / (1/8 + 1/2) = 6.4 images of equally common classes would say as much.
    expected = wilson(0.5, 6.4)
    assert (found.low, found.high) == (expected.low, expected.high)


def test_mcnemars_p_is_that_of_a_fair_coin() -> None:
    # One or no heads, or tails, of six: 2 · (1 + 6) / 64.
    assert mcnemar(1, 5) == pytest.approx(14 / 64)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1.0
    assert mcnemar(0, 10) == pytest.approx(2 / 1024)


def test_the_paired_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # Exact: every outcome of 40 images of which 10 % and 25 % part the two, weighed by its chance.
    n, left, right = 40, 0.10, 0.25
    covered = 0.0
    for only_left in range(n + 1):
        for only_right in range(n + 1 - only_left):
            counts = [only_left, only_right, n - only_left - only_right]
            chance = stats.multinomial.pmf(counts, n, [left, right, 1 - left - right])
            found = paired_interval(only_left, only_right, n)
            covered += chance * (found.low <= right - left <= found.high)
    assert 0.94 < covered < 0.97


def test_holms_correction_never_falls_below_a_smaller_p() -> None:
    assert holm([0.01, 0.5, 0.02]) == pytest.approx((0.03, 0.5, 0.04))
    assert holm([0.03, 0.03]) == pytest.approx((0.06, 0.06))
    assert holm([]) == ()


def test_neighbours_are_compared_on_the_images_that_part_them() -> None:
    series = [pd.Series(values) for values in ([1, 1, 0, 0], [1, 0, 1, 1], [1, 0, 1, 1])]
    first, second = neighbours(series)
    assert (first.only_left, first.only_right, first.n, first.difference) == (1, 2, 4, 0.25)
    assert second.p_holm == 1.0
    assert {first.verdict, second.verdict} == {"no difference found"}
