"""A law that made the errors is found again; two columns are scipy's non-negative least squares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from scaling_search.law.fit import _nnls, fit_law, loss_through
from scaling_search.law.intervals import (
    allows_error,
    allows_exponent,
    error_range,
    exponent_range,
    next_range,
)

SIZES = 2.0 ** np.arange(-2, 2.5, 0.5) * 3e6
ALIKE = np.ones(len(SIZES))


def power(floor: float, scale: float, exponent: float) -> np.ndarray:
    return floor + scale * (SIZES / 3e6) ** -exponent


@pytest.mark.parametrize(
    ("floor", "scale", "exponent"), [(0.1, 0.4, 0.3), (0.0, 0.5, 0.2), (0.3, 0.1, 1.2)]
)
def test_a_law_without_noise_is_found_again(floor: float, scale: float, exponent: float) -> None:
    law = fit_law(SIZES, power(floor, scale, exponent), ALIKE)
    assert law.exponent == pytest.approx(exponent, rel=1e-2)
    assert law.floor == pytest.approx(floor, abs=3e-3)
    for size in (1e6, 3e6, 48e6):
        truth = floor + scale * (size / 3e6) ** -exponent
        assert law.error(size) == pytest.approx(truth, abs=1e-3)


def test_near_chance_the_law_that_bends_is_found_again() -> None:
    fallen = 0.8 * (SIZES / 3e6) ** -0.9
    errors = (0.2 + fallen * 0.9) / (1 + fallen)
    law = fit_law(SIZES, errors, ALIKE, chance=0.9)
    assert law.exponent == pytest.approx(0.9, rel=1e-2)
    assert law.floor == pytest.approx(0.2, abs=5e-3)
    assert law.error(1.0) == pytest.approx(0.9, abs=1e-3)  # next to nothing sees nothing
    assert law.loss < fit_law(SIZES, errors, ALIKE).loss


def test_two_columns_are_fitted_as_scipy_fits_them() -> None:
    rng = np.random.default_rng(0)
    ends = set()
    for _ in range(200):
        columns, y, weights = rng.normal(size=(6, 2)), rng.normal(size=6), rng.uniform(0.5, 2, 6)
        loss, a, b = _nnls(columns[:, 0], columns[:, 1], y, weights)
        root = np.sqrt(weights)
        expected, residual = optimize.nnls(columns * root[:, None], y * root)
        assert (a, b) == pytest.approx(tuple(expected), abs=1e-9)
        assert loss == pytest.approx(residual**2, abs=1e-9)
        ends.add((a > 0, b > 0))
    assert len(ends) == 4  # inside, on either axis, at the origin


def test_what_weighs_nothing_is_not_heard() -> None:
    errors, weights = power(0.1, 0.4, 0.3), ALIKE.copy()
    errors[4], weights[4] = 0.9, 0.0
    assert fit_law(SIZES, errors, weights).exponent == pytest.approx(0.3, rel=1e-2)


def test_a_law_may_be_made_to_pass_through_a_point() -> None:
    data = (SIZES, power(0.1, 0.4, 0.3), ALIKE)
    on_it = 0.1 + 0.4 * 8.0**-0.3
    assert loss_through(24e6, on_it, data) == pytest.approx(0, abs=1e-7)
    assert loss_through(24e6, on_it + 0.05, data) > 1e-5


def noisy(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return SIZES, power(0.2, 0.3, 0.5) + 0.004 * rng.normal(size=len(SIZES)), ALIKE


def test_intervals_lie_about_the_estimate_and_widen_beyond_the_data() -> None:
    data = noisy(0)
    law = fit_law(*data)
    assert exponent_range(law, data).holds(law.exponent)
    widths = []
    for size in (6e6, 12e6, 24e6, 48e6):
        found = error_range(law, data, size)
        assert found.holds(law.error(size))
        widths.append(found.high - found.low)
    assert widths[1:] == sorted(widths[1:])
    expected = next_range(law, data, 24e6, 1.0)
    assert expected.high - expected.low > widths[2]


def test_of_three_networks_nothing_is_certain() -> None:
    sizes, errors, weights = (each[::4] for each in noisy(0))
    law = fit_law(sizes, errors, weights)
    found = exponent_range(law, (sizes, errors, weights))
    assert (found.low, found.high) == (0.0, float("inf"))


def test_the_intervals_hold_about_as_often_as_they_say() -> None:
    # 95 % of 120: between 107 and 119 with a probability above 0.99; seeds are fixed.
    truth = 0.2 + 0.3 * 8.0**-0.5
    held = np.zeros(2)
    for seed in range(120):
        data = noisy(seed)
        law = fit_law(*data)
        held += [allows_exponent(law, data, 0.5), allows_error(law, data, 24e6, truth)]
    assert (held >= 107).all()
    assert (held <= 119).all()


def test_an_interval_ends_where_values_are_no_longer_allowed() -> None:
    data = noisy(3)
    law = fit_law(*data)
    found = exponent_range(law, data)
    assert allows_exponent(law, data, 0.999 * found.high)
    assert not allows_exponent(law, data, 1.001 * found.high)
    reach = error_range(law, data, 24e6)
    assert allows_error(law, data, 24e6, reach.low + 1e-5)
    assert not allows_error(law, data, 24e6, reach.low - 1e-4)
