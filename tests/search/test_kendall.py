"""Kendall's τ, its interval and the noise's ceiling, against scipy and against known truths."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scaling_search.search import kendall
from scaling_search.search.kendall import reliability
from tests.search.test_fidelity import noisy


def test_the_resampled_tau_is_scipy_s_on_the_resampled_candidates() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, 12).astype(float), rng.integers(0, 6, 12).astype(float)
    counts = rng.multinomial(12, np.full(12, 1 / 12), size=20)
    found = kendall._weighted_tau(a, b, counts)
    for row, tau in zip(counts, found, strict=True):
        drawn = np.repeat(np.arange(12), row)
        assert tau == pytest.approx(stats.kendalltau(a[drawn], b[drawn]).statistic)


def test_the_interval_holds_the_true_tau_in_95_of_100_cases() -> None:
    correlation, held, cases = 0.7, 0, 50
    truth = 2 / math.pi * math.asin(correlation)
    for seed in range(cases):
        rng = np.random.default_rng(seed)
        both = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=40)
        _, low, high = kendall.tau_interval([(both[:, 0], both[:, 1])], seed)
        held += low <= truth <= high
    assert 0.88 <= held / cases <= 1


def test_reliability_is_cronbach_s_alpha() -> None:
    values = noisy(np.arange(10.0), 2.0, 4, 3)
    parts = values.to_numpy()
    alpha = 4 / 3 * (1 - parts.var(axis=0, ddof=1).sum() / parts.sum(axis=1).var(ddof=1))
    assert reliability(values) == pytest.approx(alpha)


def test_of_five_candidates_there_is_no_interval() -> None:
    five = np.arange(5.0)
    tau, low, high = kendall.tau_interval([(five, five)], 0)
    assert tau == pytest.approx(1.0)
    assert math.isnan(low)
    assert math.isnan(high)
