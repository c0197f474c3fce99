"""The interval of a multiplier that makes one network, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import scale_depth, scale_resolution, scale_width
from scaling_search.search.intervals import interval_of

B0 = zoo.get("efficientnet-b0")


def test_every_alpha_up_to_1_25_gives_b0_the_same_depths() -> None:
    # 4 repeats become 5, 3 become 4, 2 become 3 and 1 becomes 2: for all α in (1, 5/4].
    assert interval_of(lambda a: scale_depth(B0, a), 1.1, (1.0, 2.0)) == (1.0001, 1.25)


def test_repeats_to_the_nearest_change_halfway() -> None:
    nearest = replace(B0, repeats_rounding="nearest")
    # 4 × 1.125 = 4.5 rounds up to 5; below it nothing changes.
    assert interval_of(lambda a: scale_depth(nearest, a), 1.0, (0.9, 2.0)) == (0.9, 1.1249)
    assert interval_of(lambda a: scale_depth(nearest, a), 1.125, (1.0, 2.0)) == (1.125, 1.1666)


def test_a_side_of_258_px_is_made_by_half_a_pixel_on_both_sides() -> None:
    low, high = interval_of(lambda g: scale_resolution(B0, g), 1.15, (1.0, 1.5))
    assert low == pytest.approx(257.5 / 224, abs=1e-4)
    assert high == pytest.approx(258.5 / 224, abs=1e-4)
    for end in (low, high):
        assert scale_resolution(B0, end).resolution_px == 258


@pytest.mark.parametrize("beta", [1.0, 1.1, 1.35, 1.4])
def test_both_ends_make_the_network_and_nothing_beyond_them_does(beta: float) -> None:
    low, high = interval_of(lambda b: scale_width(B0, b), beta, (0.5, 3.0))
    same = scale_width(B0, beta)
    assert low <= beta <= high
    assert scale_width(B0, low) == scale_width(B0, high) == same
    assert scale_width(B0, low - 2e-4) != same
    assert scale_width(B0, high + 2e-4) != same


def test_an_interval_ends_where_the_space_does() -> None:
    assert interval_of(lambda _: "one network", 1.2, (1.0, 2.0)) == (1.0, 2.0)
