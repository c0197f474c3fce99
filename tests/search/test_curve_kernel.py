"""The kernel's values by hand: pure depth and pure width, one length apart."""

import math

import numpy as np
import pytest

from scaling_search.search.curve_kernel import Kernel, Level, Points, matern

SHARES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
PARAMETERS = {
    "signal": 2.0,
    "length_scale": math.sqrt(2),  # the two shares are one length scale apart
    "nugget": 0.5,
    "noise": 1.0,
    "signal_growth": 1.0,
    "noise_growth": 1.0,
    "length_decay": 0.1,
    "phi_growth": 0.5,
    "phi_decay": 0.2,
}


def kernel(*pairs: tuple[int, Level]) -> Kernel:
    return Kernel(SHARES, Points.of(pairs), Points.of(pairs))


def test_one_candidate_in_full_has_trend_smooth_part_and_nugget() -> None:
    # 2² · (1.5² · ⅔ + 1 + 0.5²), |s - ⅓|² being (⅔)² + 2 (⅓)² = ⅔
    assert kernel((0, Level())).signal(PARAMETERS) == pytest.approx(4 * (1.5 + 1 + 0.25))


def test_two_candidates_share_no_nugget_and_their_trends_differ() -> None:
    # (s - ⅓)·(s' - ⅓) is -⅔·⅓ - ⅓·⅔ + ⅓·⅓ = -⅓
    alike = kernel((0, Level()), (1, Level())).signal(PARAMETERS)
    one_length_scale = (1 + math.sqrt(5) + 5 / 3) * math.exp(-math.sqrt(5))
    assert alike[0, 1] == pytest.approx(4 * (-(1.5**2) / 3 + one_length_scale))
    assert alike[0, 1] == alike[1, 0]


def test_a_training_a_halving_shorter_lies_further_apart_and_is_less_alike() -> None:
    in_full, shorter = kernel((0, Level()), (0, Level(1.0))).signal(PARAMETERS)[0]
    assert shorter / in_full == pytest.approx(2 * math.exp(-0.1))


def test_a_smaller_phi_lies_closer_together_and_is_less_alike() -> None:
    there, below = kernel((0, Level()), (0, Level(0.0, 2.0))).signal(PARAMETERS)[0]
    assert below / there == pytest.approx(2 ** (-0.5 * 2) * math.exp(-0.2 * 2))


def test_only_points_of_one_length_and_phi_share_their_mean() -> None:
    vague = kernel((0, Level()), (1, Level()), (1, Level(1.0)), (1, Level(0.0, 1.0))).vague
    assert np.flatnonzero(vague[0]).tolist() == [0, 1]
    assert vague[0, 1] == 30.0**2


def test_the_matern_kernel_falls_from_one() -> None:
    near, far, further = matern(np.array([0.0, 1.0, 5.0]))
    assert near == 1.0
    assert near > far > further > 0
