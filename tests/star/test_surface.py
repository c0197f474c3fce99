"""One dimension's surface: what it leaves of points that lie on it, and where its best size is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from scaling_search.star.surface import EXPONENTS, LEARNING, PARTS, Swept
from tests.star.known import ARMS, C, swept


def test_points_on_a_surface_leave_nothing() -> None:
    for arm, (_, a, _, b) in enumerate(ARMS):
        points = swept(arm)
        assert np.abs(points.rest(C / (a + b), a / (a + b), C)).max() < 1e-8
        assert points.fitted(C / (a + b), a / (a + b), C) == pytest.approx(points.y, abs=1e-8)
        assert np.abs(points.rest(2 * C / (a + b), a / (a + b), C)).max() > 1e-4


def test_s_is_how_the_best_size_grows_with_compute() -> None:
    # x* of α x^-a + β x^b t^-c by calculus, and by search, at two computes.
    alpha, a, beta, b = ARMS[0]

    def best(t: float) -> float:
        found = optimize.minimize_scalar(
            lambda log_x: alpha * np.exp(-a * log_x) + beta * np.exp(b * log_x) * t**-C,
            bounds=(-10, 10),
            method="bounded",
            options={"xatol": 1e-9},
        )
        return float(np.exp(found.x))

    assert best(1.0) == pytest.approx((alpha * a / (beta * b)) ** (1 / (a + b)), rel=1e-4)
    assert np.log(best(8.0) / best(1.0)) / np.log(8.0) == pytest.approx(C / (a + b), rel=1e-4)


def test_the_grid_knows_the_least_loss_of_each_of_its_places() -> None:
    rng = np.random.default_rng(3)
    points = swept(1, luck=0.01 * rng.normal(size=18))
    losses = points.least()
    assert losses.shape == (len(EXPONENTS), len(PARTS), len(LEARNING))
    for place in ((5, 2, 7), (9, 4, 9), (12, 7, 3), (17, 0, 13)):
        s, part, c = place
        rest = points.rest(float(EXPONENTS[s]), float(PARTS[part]), float(LEARNING[c]))
        assert losses[place] == pytest.approx(float(rest @ rest), rel=1e-3, abs=1e-9)


def test_a_bend_leaves_the_power_law() -> None:
    bent, straight = swept(0, bend=0.3), swept(0)
    _, a, _, b = ARMS[0]
    at = C / (a + b), a / (a + b), C
    assert np.abs(bent.rest(*at)).max() > 1e-3
    assert np.abs(bent.rest(*at, bend=0.3)).max() < 1e-8
    assert np.abs(straight.rest(*at, bend=0.3)).max() > 1e-3


def test_what_is_no_surface_at_all_is_fitted_by_none_of_its_parts_below_zero() -> None:
    x, t = np.repeat([0.25, 0.5, 1.0, 0.7], 3), np.tile([0.1, 0.3, 1.0], 4)
    rising = Swept(x, t, x * t, np.ones(12))  # more compute is never worse in a surface
    assert rising.rest(0.5, 0.5, 0.5).std() > 0.05
