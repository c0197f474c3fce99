"""The analytic walk against hand-computed costs and the exact figures of EfficientNet."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.layers import (
    Activation,
    Conv,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    MaxPool,
    Norm,
    Residual,
    Scale,
    SqueezeExcitation,
    sequence,
)
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.cost.analytic import Cost, cost_of, count, stage_rows

EXACT = {
    "efficientnet-b0": (5_288_548, 385_814_752, 6.75),
    "efficientnet-b1": (7_794_184, 686_802_832, 10.88),
    "efficientnet-b2": (9_109_994, 993_561_872, 13.83),
    "efficientnet-b3": (12_233_232, 1_827_141_392, 23.83),
    "efficientnet-b4": (19_341_616, 4_393_771_024, 49.49),
    "efficientnet-b5": (30_389_784, 10_266_384_752, 98.86),
    "efficientnet-b6": (43_040_704, 19_067_593_536, 167.39),
    "efficientnet-b7": (66_347_960, 37_745_884_192, 289.94),
}


@pytest.mark.parametrize("name", EXACT)
def test_all_eight_efficientnets_are_exact(name: str) -> None:
    params, macs, activations_m = EXACT[name]
    cost = count(zoo.get(name))
    assert (cost.params, cost.macs) == (params, macs)
    assert round(cost.activations / 1e6, 2) == activations_m


CONV = Conv(2, 4, kernel=3, stride=2)  # 72 weights, a 5-px map becomes 3 px


@pytest.mark.parametrize(
    ("layer", "cost", "output_px"),
    [
        (CONV, Cost(72 * 9, 72, 36), 3),
        (Conv(2, 4, 3, groups=2, bias=True), Cost(36 * 25, 36 + 4, 100), 5),
        (Conv(2, 4, 4, 4), Cost(128, 128, 4), 1),
        (MaxPool(3, 2), Cost(), 3),
        (Norm(4, "batch", 1e-5, 0.1), Cost(params=8), 5),
        (Activation("relu"), Cost(), 5),
        (SqueezeExcitation(8, 2, "silu"), Cost(32, 32 + 10, 10), 5),
        (GlobalPool(), Cost(), 1),
        (Dropout(0.5), Cost(), 5),
        (Scale(8, 1e-6), Cost(params=8), 5),
        (Conv(2, 4, 3, 2, same=True), Cost(72 * 9, 72, 36), 3),
        (Linear(3, 4), Cost(12, 16, 0), 5),
        (sequence(a=CONV, b=Conv(4, 1)), Cost(72 * 9 + 4 * 9, 76, 45), 3),
        (Residual(CONV), Cost(72 * 9, 72, 36), 3),
        (Residual(CONV, Conv(2, 4, 1, 2)), Cost(72 * 9 + 8 * 9, 80, 72), 3),
    ],
)
def test_each_layer_costs_what_a_hand_count_gives(layer: Layer, cost: Cost, output_px: int) -> None:
    assert cost_of(layer, 5) == (cost, output_px)


def test_a_whole_network_costs_what_a_hand_count_gives() -> None:
    network = Architecture(
        name="by hand",
        stages=(Stage("mbconv", 8, 2, kernel=3, stride=2),),
        stem_channels=8,
        head_channels=16,
        resolution_px=8,
        in_channels=1,
        num_classes=3,
    )
    stem = Cost(72 * 16, 72 + 16, 8 * 16)
    one_block = Cost((72 + 64) * 4, 72 + 64 + 32, 16 * 4)
    head = Cost(128 * 4 + 48, 128 + 32 + 48 + 3, 16 * 4)
    assert count(network) == stem + one_block.times(2) + head


def test_a_whole_network_without_a_head_convolution_ends_in_the_classifier() -> None:
    micro = replace(zoo.get("micro"), head_channels=0)
    assert stage_rows(micro)[-1].params == (micro.stages[-1].channels + 1) * 20


def test_rows_add_up_to_the_whole_and_follow_the_maps() -> None:
    b7 = zoo.get("efficientnet-b7")
    rows = stage_rows(b7)
    cost = count(b7)
    assert [row.name for row in rows] == ["stem", *(f"stage {n}" for n in range(1, 8)), "head"]
    assert sum(row.macs for row in rows) == cost.macs
    assert sum(row.params for row in rows) == cost.params
    assert sum(row.activations for row in rows) == cost.activations
    assert [row.output_px for row in rows] == [300, 300, 150, 75, 38, 38, 19, 19, 1]
    assert all(a.output_px == b.input_px for a, b in pairwise(rows))
    assert (rows[1].block, rows[1].repeats, rows[1].channels, rows[1].stride) == (
        "mbconv",
        4,
        32,
        1,
    )


KINDS = [
    (Conv(2, 4, 3), {"dense": 72 * 25}),
    (Conv(2, 4), {"pointwise": 8 * 25}),
    (Conv(4, 4, 3, groups=4), {"depthwise": 36 * 25}),
    (Conv(4, 4, 3, groups=2), {"dense": 72 * 25}),
    (SqueezeExcitation(8, 2, "silu"), {"squeeze_excitation": 32}),
    (Linear(3, 4), {"linear": 12}),
]


@pytest.mark.parametrize(("layer", "kinds"), KINDS)
def test_each_layers_macs_are_of_one_kind(layer: Layer, kinds: dict[str, int]) -> None:
    cost, _ = cost_of(layer, 5)
    assert {kind: macs for kind, macs in cost.macs_by_kind.items() if macs} == kinds


@pytest.mark.parametrize(
    ("layer", "elements"),
    [
        (CONV, 0),
        (Norm(4, "batch", 1e-5, 0.1), 100),
        (Activation("relu"), 50),
        (MaxPool(3, 2), 50),
        (GlobalPool(), 50),
        (Dropout(0.5), 0),
        (SqueezeExcitation(8, 2, "silu"), 2 * 200 + 2 + 8),
        (Residual(CONV), 36),
        (sequence(conv=CONV, norm=Norm(4, "batch", 1e-5, 0.1), act=Activation("relu")), 72),
    ],
)
def test_elementwise_work_is_what_a_hand_count_gives(layer: Layer, elements: int) -> None:
    assert cost_of(layer, 5, channels=2)[0].elementwise == elements


@pytest.mark.parametrize("name", zoo.network_names())
def test_kinds_add_up_to_all_macs_in_the_whole_and_in_each_row(name: str) -> None:
    network = zoo.get(name)
    cost, rows = count(network), stage_rows(network)
    assert sum(cost.macs_by_kind.values()) == cost.macs
    assert cost.stem_macs == rows[0].macs
    for kind in (*(f"{kind}_macs" for kind in cost.macs_by_kind), "elementwise"):
        assert sum(getattr(row, kind) for row in rows) == getattr(cost, kind)


def test_pointwise_convolutions_are_most_of_b0_and_depthwise_ones_a_tenth() -> None:
    cost = count(zoo.get("efficientnet-b0"))
    assert cost.linear_macs == 1280 * 1000
    assert cost.stem_macs == 27 * 32 * 112**2
    assert 0.8 < cost.pointwise_macs / cost.macs < 0.9
    assert 0.08 < cost.depthwise_macs / cost.macs < 0.12


def test_costs_made_of_three_numbers_equal_those_that_know_their_kinds() -> None:
    walked = cost_of(Linear(3, 4), 1)[0]
    assert Cost(12, 16, 0) == walked
    assert hash(Cost(12, 16, 0)) == hash(walked)
    assert (walked + walked).linear_macs == walked.times(2).linear_macs == 24
