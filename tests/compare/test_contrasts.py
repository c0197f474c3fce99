"""Linear combinations of means: hand-computed truths, other people's tables, and calibration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from scaling_search.compare.contrasts import scatter_of, simultaneous
from scaling_search.core.stats import Floats

THREE_AND_THREE = [[1.0, 2.0, 3.0], [4.0, 6.0, 8.0]]
DIFFERENCE = np.array([[-1.0, 1.0]])


def against_the_first(networks: int) -> Floats:
    """Each other network less the first."""
    return np.hstack([-np.ones((networks - 1, 1)), np.eye(networks - 1)])


def test_one_difference_is_a_t_test_with_the_pooled_error() -> None:
    # Squares 2 and 8 over 4 degrees of freedom: variance 2.5, error √(2.5 · 2/3), t₄ = 2.776445.
    (found,) = simultaneous(THREE_AND_THREE, DIFFERENCE)
    error = math.sqrt(2.5 * 2 / 3)
    assert found.value == pytest.approx(4.0)
    assert found.high - 4.0 == pytest.approx(2.776445 * error, rel=1e-6)
    assert 4.0 - found.low == pytest.approx(2.776445 * error, rel=1e-6)
    assert found.p_value == found.p_adjusted == pytest.approx(2 * stats.t.sf(4 / error, 4))


def test_networks_that_take_no_part_lend_their_scatter() -> None:
    # Squares 2, 8 and 2 over six degrees of freedom: variance 2, t₆ = 2.446912.
    samples = [*THREE_AND_THREE, [50.0, 51.0, 52.0]]
    (found,) = simultaneous(samples, np.array([[-1.0, 1.0, 0.0]]))
    assert found.high - 4.0 == pytest.approx(2.446912 * math.sqrt(2 * 2 / 3), rel=1e-6)


def test_unequal_numbers_of_seeds_weigh_as_they_should() -> None:
    # Squares 2 and 8 over 2 + 1 degrees of freedom; error √(10/3 · (1/3 + 1/2)), t₃ = 3.182446.
    (found,) = simultaneous([[1.0, 2.0, 3.0], [4.0, 8.0]], DIFFERENCE)
    assert found.value == pytest.approx(4.0)
    assert found.high - 4.0 == pytest.approx(3.182446 * math.sqrt(10 / 3 * 5 / 6), rel=1e-6)


def test_weights_of_a_line_carry_the_lines_error() -> None:
    # 1.5 · mean − 0.5 · mean: its variance is (1.5² + 0.5²) / 3 of one training's.
    (found,) = simultaneous(THREE_AND_THREE, np.array([[-0.5, 1.5]]))
    assert found.value == pytest.approx(1.5 * 6 - 0.5 * 2)
    assert found.high - found.value == pytest.approx(2.776445 * math.sqrt(2.5 * 2.5 / 3), rel=1e-6)


def test_dunnetts_two_sided_value_for_three_rivals_and_16_degrees_of_freedom_is_2_59() -> None:
    # Dunnett 1964, table II. Five values of variance 1 each, so the error is √(2/5).
    values = [-math.sqrt(2), 0.0, 0.0, 0.0, math.sqrt(2)]
    found = simultaneous([values] * 4, against_the_first(4))
    assert found[0].high == pytest.approx(2.59 * math.sqrt(2 / 5), abs=0.003)


def test_against_one_control_it_is_dunnetts_test() -> None:
    rng = np.random.default_rng(0)
    samples = [(shift + rng.normal(size=5)).tolist() for shift in (0.0, 1.0, 0.5, 2.0)]
    theirs = stats.dunnett(*samples[1:], control=samples[0], rng=np.random.default_rng(1))
    ends = theirs.confidence_interval()
    for ours, p, low, high in zip(
        simultaneous(samples, against_the_first(4)),
        theirs.pvalue,
        ends.low,
        ends.high,
        strict=True,
    ):
        assert ours.p_adjusted == pytest.approx(p, abs=5e-4)
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=5e-3)
        assert ours.p_value <= ours.p_adjusted <= 3 * ours.p_value


def test_correlated_combinations_have_the_multivariate_t_distributions_values() -> None:
    # Six combinations over nine networks, as of two φ and three rivals.
    weights = _two_phis()
    covariance = weights @ weights.T
    deviations = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviations, deviations)
    values = [-math.sqrt(2), 0.0, 0.0, 0.0, math.sqrt(2)]
    found = simultaneous([values] * 9, weights)
    bounds = [found[0].high / (deviations[0] / math.sqrt(5))] * 6
    within = stats.multivariate_t.cdf(
        bounds, shape=correlation, df=36, lower_limit=[-b for b in bounds], random_state=0
    )
    assert within == pytest.approx(0.95, abs=5e-4)


def test_two_rivals_that_are_one_network_cost_no_more_than_one() -> None:
    twice = np.vstack([DIFFERENCE, DIFFERENCE])
    (one,), (first, second) = (simultaneous(THREE_AND_THREE, w) for w in (DIFFERENCE, twice))
    assert (first.low, first.high) == pytest.approx((one.low, one.high), rel=1e-4)
    assert first == second


def test_single_runs_have_a_value_and_nothing_else() -> None:
    (found,) = simultaneous([[1.0], [3.0]], DIFFERENCE)
    assert found.value == 2.0
    assert all(map(math.isnan, (found.low, found.high, found.p_value, found.p_adjusted)))


def test_values_that_do_not_scatter_leave_no_doubt() -> None:
    same, other = simultaneous([[2.0, 2.0], [2.0, 2.0]], DIFFERENCE), [[1.0, 1.0], [2.0, 2.0]]
    assert (same[0].value, same[0].p_value) == (0.0, 1.0)
    assert simultaneous(other, DIFFERENCE)[0].p_adjusted == 0.0


QUIET = [[-0.2, -0.1, 0.0, 0.1, 0.2], [0.8, 0.9, 1.0, 1.1, 1.2], [1.8, 1.9, 2.0, 2.1, 2.2]]
LOUD = [-6.0, -3.0, 0.0, 3.0, 6.0]


def test_networks_that_scatter_alike_share_one_variance() -> None:
    scatter = scatter_of(QUIET)
    assert scatter.pooled
    assert scatter.variances == pytest.approx([0.025] * 3)
    assert scatter.freedoms == pytest.approx([12.0] * 3)


def test_networks_that_are_seen_to_scatter_differently_have_each_its_own() -> None:
    scatter = scatter_of([*QUIET, LOUD])
    assert not scatter.pooled
    assert scatter.unequal_p < 0.05
    assert scatter.variances == pytest.approx([0.025] * 3 + [22.5])
    assert scatter.freedoms == pytest.approx([4.0] * 4)


def test_scatter_that_differs_by_less_than_a_factor_of_two_is_pooled_however_sure() -> None:
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0, 1, 500).tolist(), rng.normal(0, 1.6, 500).tolist()
    scatter = scatter_of([narrow, wide])
    assert scatter.unequal_p < 1e-6
    assert scatter.pooled


def test_two_seeds_each_say_nothing_of_unequal_scatter() -> None:
    scatter = scatter_of([[0.0, 0.1], [0.0, 9.0], [0.0, 0.2]])
    assert scatter.pooled
    assert math.isnan(scatter.unequal_p)


def test_under_unequal_scatter_a_difference_is_welchs_test() -> None:
    samples = [*QUIET, LOUD]
    (found,) = simultaneous(samples, np.array([[-1.0, 0.0, 0.0, 1.0]]))
    theirs = stats.ttest_ind(samples[3], samples[0], equal_var=False)
    ends = theirs.confidence_interval()
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), rel=1e-6)


def test_under_unequal_scatter_a_network_of_one_training_lends_none_to_itself() -> None:
    samples = [*QUIET, LOUD, [7.0]]
    quiet, lone = simultaneous(samples, np.array([[-1, 1, 0, 0, 0], [-1, 0, 0, 0, 1.0]]))
    assert quiet.low < 1.0 < quiet.high
    assert lone.value == pytest.approx(7.0)
    assert math.isnan(lone.p_adjusted)


def test_intervals_hold_all_together_95_times_in_100() -> None:
    rng, weights, worlds = np.random.default_rng(3), _two_phis(), 400
    seeds = [4, 4, 3, 4, 4, 4, 4, 2, 4]
    truth = rng.normal(50, 3, len(seeds))
    held = 0
    for _ in range(worlds):
        pairs = zip(truth, seeds, strict=True)
        samples = [rng.normal(mean, 1.0, n).tolist() for mean, n in pairs]
        found = simultaneous(samples, weights)
        true = weights @ truth
        held += all(one.low <= t <= one.high for one, t in zip(found, true, strict=True))
    assert 0.93 <= held / worlds <= 0.97


def _two_phis() -> Floats:
    """Base, compound and three rivals at φ = 1, the same at φ = 2: gains at compound's cost."""
    weights = np.zeros((6, 9))
    for row, (own, rival, before) in enumerate(
        [(1, 2, 0), (1, 3, 0), (1, 4, 0), (5, 6, 2), (5, 7, 3), (5, 8, 4)]
    ):
        weights[row, [own, rival, before]] = 1.0, -1.05, 0.05
    return weights
