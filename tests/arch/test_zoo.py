"""Base networks by name."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Multipliers, scale, scale_depth, scale_width
from scaling_search.arch.strides import fit_strides
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count, stage_rows
from scaling_search.search.candidates import candidates
from scaling_search.search.space import Axis, Budget, Space


def test_the_zoo_holds_the_efficientnets_other_backbones_and_small_bases() -> None:
    assert zoo.network_names() == (
        *(f"efficientnet-b{k}" for k in range(8)),
        *("efficientnet-b0-small", "efficientnet-b0-simplified"),
        *(f"efficientnet-lite{k}" for k in range(5)),
        *("mobilenet-v1", "mobilenet-v2", "resnet-18", "resnet-34", "resnet-50"),
        *("regnety-400mf", "convnext-tiny", "nano", "micro", "mini"),
    )


# Ledgers of older runs are found by these.
@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("efficientnet-b0", "8ffd5d9b5fb6acc9"),
        ("efficientnet-b7", "6bb61855ae127dac"),
        ("efficientnet-b0-small", "49c7c84dddaac3b0"),
        ("micro", "6cfa12715a47caed"),
        ("mini", "fb66b06ad1f370a2"),
    ],
)
def test_later_fields_leave_the_fingerprints_as_they_were(name: str, fingerprint: str) -> None:
    assert zoo.get(name).fingerprint == fingerprint


@pytest.mark.parametrize(("px", "macs"), [(32, 14_769_280), (224, 672_736_384)])
def test_the_simplified_b0_is_the_tutorials_to_the_integer(px: int, macs: int) -> None:
    simplified = zoo.get("efficientnet-b0-simplified").fitted(num_classes=10, resolution_px=px)
    cost = count(simplified)
    assert (cost.params, cost.macs) == (2_445_002, macs)


@pytest.mark.parametrize(
    ("number", "params"),
    list(enumerate([4_652_008, 5_416_680, 6_092_072, 8_197_096, 13_006_568])),
)
def test_the_lites_have_the_official_parameters(number: int, params: int) -> None:
    assert count(zoo.get(f"efficientnet-lite{number}")).params == params


def test_the_lites_deepen_neither_first_nor_last_stage_and_widen_no_end() -> None:
    lite4, lite0 = zoo.get("efficientnet-lite4"), zoo.get("efficientnet-lite0")
    assert [stage.repeats for stage in lite4.stages] == [1, 4, 4, 6, 6, 8, 1]
    assert (lite4.stem_channels, lite4.head_channels) == (32, 1280)
    sides = [zoo.get(f"efficientnet-lite{k}").resolution_px for k in range(5)]
    assert sides == [224, 240, 260, 280, 300]
    assert not any(stage.squeeze for stage in lite0.stages)


def test_mobilenet_v1_costs_what_its_paper_says() -> None:
    cost = count(zoo.get("mobilenet-v1"))
    assert (cost.params, cost.macs) == (4_231_976, 568_740_352)  # printed: 4.2 M and 569 M


@pytest.mark.parametrize("name", zoo.network_names())
def test_every_network_grows_in_all_three_dimensions(name: str) -> None:
    base = zoo.get(name)
    grown = scale(base, Multipliers(1.4, 1.2, 1.3))
    assert count(grown).macs > 2 * count(base).macs


def test_each_network_carries_its_own_name() -> None:
    assert [zoo.get(name).name for name in zoo.network_names()] == list(zoo.network_names())


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UserError, match=r"'efficientnet-b9': did you mean efficientnet-b\d\?"):
        zoo.get("efficientnet-b9")
    with pytest.raises(UserError, match="unknown network 'x': known are efficientnet-b0, "):
        zoo.get("x")


def test_the_small_b0_is_b0_but_for_strides_and_resolution_and_ends_at_4_px() -> None:
    small, b0 = zoo.get("efficientnet-b0-small"), zoo.get("efficientnet-b0")
    assert count(small).params == count(b0).params
    assert stage_rows(small)[-2].output_px == 4
    assert small.resolution_px == 32


def test_nano_costs_a_fifth_of_a_million_macs_and_ends_at_4_px() -> None:
    nano = zoo.get("nano")
    assert count(nano).macs < 250_000
    assert [row.output_px for row in stage_rows(nano)] == [8, 8, 4, 1]


@pytest.mark.parametrize(
    ("depth", "repeats"), [(1.2, (1, 2)), (1.3, (1, 3)), (1.6, (2, 3)), (1.8, (2, 4))]
)
def test_depth_comes_to_nano_in_several_steps(depth: float, repeats: tuple[int, ...]) -> None:
    deeper = scale_depth(zoo.get("nano"), depth)
    assert tuple(stage.repeats for stage in deeper.stages) == repeats


def test_micro_is_small_enough_for_a_cpu_and_ends_at_3_px() -> None:
    micro = zoo.get("micro")
    cost = count(micro)
    assert 500_000 <= cost.macs <= 800_000
    assert 20_000 <= cost.params <= 40_000
    assert [row.output_px for row in stage_rows(micro)] == [12, 12, 6, 6, 3, 1]


@pytest.mark.parametrize("growth", [2, 4])
def test_depth_alone_brings_micro_close_to_twice_and_four_times_the_macs(growth: float) -> None:
    micro = zoo.get("micro")
    reached = count(scale_depth(micro, growth)).macs / count(micro).macs
    assert reached == pytest.approx(growth, rel=0.01)


def test_micro_has_several_depths_and_widths_to_choose_from() -> None:
    micro = zoo.get("micro")
    steps = [1 + percent / 100 for percent in range(1, 101)]
    depths = {scale_depth(micro, step) for step in steps}
    widths = {tuple(s.channels for s in scale_width(micro, step).stages) for step in steps[:60]}
    assert len(depths) >= 4
    assert len(widths) >= 6


@pytest.mark.parametrize(("px", "stem_stride"), [(14, 1), (16, 1), (24, 1), (32, 2)])
def test_mini_ends_at_4_px_or_more_on_images_of_many_sides(px: int, stem_stride: int) -> None:
    fitted = fit_strides(zoo.get("mini"), px)
    assert fitted.architecture.stem_stride == stem_stride
    assert 4 <= fitted.last_px <= 6


def test_mini_has_compound_neighbours_at_a_growth_of_2() -> None:
    base = fit_strides(zoo.get("mini"), 16).architecture
    pool = candidates(base, Budget(), Space(gamma=Axis(1.0, 1.5, 1 / 16)))
    spread = [candidate for candidate in pool if min(candidate.shares) > 0.1]
    assert len(spread) >= 5
    assert min(min(stage.channels for stage in c.architecture.stages) for c in pool) >= 24
