"""Base networks by name."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import scale_depth, scale_width
from scaling_search.cost.analytic import count, stage_rows
from scaling_search.errors import UserError


def test_the_zoo_holds_the_eight_efficientnets_and_two_small_bases() -> None:
    efficientnets = tuple(f"efficientnet-b{k}" for k in range(8))
    assert zoo.names() == (*efficientnets, "efficientnet-b0-small", "micro")


def test_each_network_carries_its_own_name() -> None:
    assert [zoo.get(name).name for name in zoo.names()] == list(zoo.names())


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
