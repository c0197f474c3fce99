"""Compound scaling against the paper's rules and the facts about its grid."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import (
    Coefficients,
    Multipliers,
    scale,
    scale_depth,
    scale_resolution,
    scale_width,
)
from scaling_search.core.errors import UserError

B0 = zoo.get("efficientnet-b0")
PAPER = Coefficients(1.2, 1.1, 1.15)


def test_nominal_growth_of_the_papers_constants_is_1_92() -> None:
    assert PAPER.nominal_growth == pytest.approx(1.2 * 1.21 * 1.3225)


def test_multipliers_are_powers_of_the_coefficients() -> None:
    assert PAPER.at(0) == Multipliers(1, 1, 1)
    assert PAPER.at(1) == Multipliers(1.2, 1.1, 1.15)
    half = PAPER.at(0.5)
    assert half.depth == pytest.approx(math.sqrt(1.2))
    assert PAPER.at(-1).width == pytest.approx(1 / 1.1)


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_what_is_not_a_positive_number_is_refused_by_name(value: float) -> None:
    with pytest.raises(UserError, match="beta must be a positive number, got"):
        Coefficients(1.2, value, 1.15)
    with pytest.raises(UserError, match="resolution must be a positive number, got"):
        Multipliers(resolution=value)


def test_depth_touches_repeats_alone() -> None:
    deeper = scale_depth(B0, 1.1)
    assert [stage.repeats for stage in deeper.stages] == [2, 3, 3, 4, 4, 5, 2]
    stages = zip(deeper.stages, B0.stages, strict=True)
    restored = tuple(replace(deep, repeats=base.repeats) for deep, base in stages)
    assert replace(deeper, stages=restored) == B0


def test_width_touches_the_channels_of_stem_stages_and_head() -> None:
    wider = scale_width(B0, 1.4)
    assert wider.stem_channels == 48
    assert [stage.channels for stage in wider.stages] == [24, 32, 56, 112, 160, 272, 448]
    assert wider.head_channels == 1792
    assert wider.resolution_px == 224
    assert [stage.repeats for stage in wider.stages] == [stage.repeats for stage in B0.stages]


def test_a_networks_own_divisor_rounds_all_its_channels() -> None:
    fine = scale_width(replace(B0, channel_divisor=2), 1.1)
    assert fine.stem_channels == 36  # 35.2; B0 itself stays at 32
    assert [stage.channels for stage in fine.stages] == [18, 26, 44, 88, 124, 212, 352]
    assert fine.head_channels == 1408


def test_repeats_round_as_the_network_says() -> None:
    fine = scale_depth(replace(B0, repeats_rounding="nearest"), 1.2)
    assert [stage.repeats for stage in fine.stages] == [1, 2, 2, 4, 4, 5, 1]


def test_resolution_touches_pixels_alone() -> None:
    assert scale_resolution(B0, 1.15) == replace(B0, resolution_px=258)


def test_scale_is_its_three_parts_in_any_order_and_keeps_the_dropout() -> None:
    together = scale(B0, Multipliers(1.8, 1.4, 1.7))
    assert together == scale_depth(scale_resolution(scale_width(B0, 1.4), 1.7), 1.8)
    assert together.dropout == B0.dropout


def test_a_multiplier_of_one_changes_nothing_even_where_channels_are_no_multiple_of_8() -> None:
    odd = replace(B0, stem_channels=20)
    assert scale(odd, Multipliers()) is odd


def test_a_scaled_network_carries_its_multipliers_in_its_name() -> None:
    assert scale(zoo.get("micro"), Multipliers(1.2, 1.1, 1.15)).name == "micro d1.20 w1.10 r1.15"


def test_fixed_parts_stay_as_they_are() -> None:
    first, *others = B0.stages
    lite = replace(
        B0, stages=(replace(first, fixed_repeats=True), *others), fixed_stem_and_head=True
    )
    scaled = scale(lite, Multipliers(2, 2, 1))
    assert [stage.repeats for stage in scaled.stages] == [1, 4, 4, 6, 6, 8, 2]
    assert (scaled.stem_channels, scaled.head_channels) == (32, 1280)
    assert scaled.stages[0].channels == 32


def test_a_head_without_a_convolution_stays_without() -> None:
    assert scale_width(replace(B0, head_channels=0), 2).head_channels == 0


def test_too_small_a_resolution_is_refused() -> None:
    with pytest.raises(UserError, match="at least 32 px, got 22"):
        scale_resolution(B0, 0.1)


def test_every_alpha_up_to_1_25_gives_b0_the_same_depths() -> None:
    alphas = [1.0001, 1.05, 1.1, 1.2, 1.25]
    assert len({scale_depth(B0, alpha) for alpha in alphas}) == 1
    assert scale_depth(B0, 1.2501) != scale_depth(B0, 1.25)


def test_the_nominal_grid_has_108_points_65_networks_and_38_depth_width_pairs() -> None:
    alphas = [1 + 0.05 * step for step in range(21)]
    betas = gammas = [1 + 0.05 * step for step in range(11)]
    points = [
        Coefficients(*point)
        for point in product(alphas, betas, gammas)
        if abs(Coefficients(*point).nominal_growth - 2) < 0.1
    ]
    networks = {scale(B0, point.at(1)) for point in points}
    assert len(points) == 108
    assert len(networks) == 65
    assert len({replace(network, resolution_px=224) for network in networks}) == 38
