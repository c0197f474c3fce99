"""The rounding rules against the official ones, worked out by hand."""

from __future__ import annotations

import pytest

from scaling_search.arch.rounding import round_channels, round_px, round_repeats


@pytest.mark.parametrize(
    ("channels", "width", "expected"),
    [
        (32, 1.1, 32),  # 35.2 is nearer to 32
        (32, 1.4, 48),  # 44.8
        (24, 1.5, 40),  # 36 lies between; halves go up
        (16, 0.5, 8),
        (3, 1.0, 8),  # never below the divisor
        (12, 0.95, 16),  # 11.4 rounds to 8, which is below 90 % of it
        (1280, 2.0, 2560),
    ],
)
def test_channels_go_to_the_nearest_eight_but_not_below_90_percent(
    channels: int, width: float, expected: int
) -> None:
    assert round_channels(channels, width) == expected


def test_channels_round_to_another_divisor_on_request() -> None:
    assert round_channels(10, 1.0, divisor=4) == 12


@pytest.mark.parametrize(
    ("repeats", "depth", "expected"),
    [(1, 1.01, 2), (4, 1.8, 8), (3, 3.1, 10), (4, 0.5, 2), (1, 0.1, 1), (2, 1.0, 2)],
)
def test_repeats_round_up(repeats: int, depth: float, expected: int) -> None:
    assert round_repeats(repeats, depth) == expected


@pytest.mark.parametrize(
    ("repeats", "depth", "expected"),
    [(1, 1.4, 1), (1, 1.5, 2), (2, 1.2, 2), (2, 1.25, 3), (3, 1.2, 4), (3, 0.5, 2), (1, 0.1, 1)],
)
def test_repeats_go_to_the_nearest_on_request_halves_up(
    repeats: int, depth: float, expected: int
) -> None:
    assert round_repeats(repeats, depth, "nearest") == expected


def test_float_noise_adds_no_repeat() -> None:
    assert round_repeats(3, 1.0000000001) == 3
    assert 100 * 1.1 > 110
    assert round_repeats(100, 1.1) == 110


def test_a_vanishing_depth_leaves_one_repeat() -> None:
    assert round_repeats(3, 1e-9) == 1


@pytest.mark.parametrize(
    ("px", "resolution", "expected"), [(224, 1.15, 258), (25, 1.1, 28), (24, 1.0, 24), (2, 0.1, 1)]
)
def test_pixels_go_to_the_nearest_halves_up(px: int, resolution: float, expected: int) -> None:
    assert round_px(px, resolution) == expected
