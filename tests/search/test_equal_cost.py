"""Networks grown along one axis alone: as near to the budget as whole layers allow."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import AXIS_NAMES, AxisName, scale, scale_resolution
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.search.equal_cost import along, matched, nearest_side
from scaling_search.search.resources import meter_of
from scaling_search.search.space import Budget
from tests.search.latencies import SMALL, answered, like_macs

BASES = [zoo.get("micro"), zoo.get("efficientnet-b0")]


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
@pytest.mark.parametrize("growth", [0.5, 2.0, 4.0, 16.0])
@pytest.mark.parametrize("axis", AXIS_NAMES)
def test_no_other_multiplier_of_a_fine_grid_comes_nearer(
    base: Architecture, growth: float, axis: AxisName
) -> None:
    chosen = zoo.get(base.name)
    target = count(chosen).macs * growth
    found = scale(chosen, matched(chosen, axis, target, Budget()))
    off = abs(count(found).macs - target)
    low = 0.2 if axis != "resolution" else chosen.total_stride / chosen.resolution_px
    steps = [low + i * 0.01 for i in range(int((growth * 2 + 1 - low) / 0.01))]
    for multiplier in steps[:: 1 if growth < 16 else 7]:
        if axis == "resolution" and multiplier > 5:
            break
        other = scale(chosen, along(axis, multiplier))
        assert abs(count(other).macs - target) >= off - 1e-6


def test_depth_alone_leaves_channels_and_pixels_as_they_are() -> None:
    base = zoo.get("micro")
    deeper = scale(base, matched(base, "depth", 2 * count(base).macs, Budget()))
    assert [s.channels for s in deeper.stages] == [s.channels for s in base.stages]
    assert deeper.resolution_px == base.resolution_px
    assert sum(s.repeats for s in deeper.stages) > sum(s.repeats for s in base.stages)


def test_a_multiplier_is_written_with_no_more_digits_than_it_needs() -> None:
    base = zoo.get("micro")
    depth = matched(base, "depth", 4 * count(base).macs, Budget()).depth
    assert depth == round(depth, 2)


def test_other_resources_are_matched_as_well() -> None:
    base = zoo.get("micro")
    budget = Budget("activations")
    target = 2 * count(base).activations
    wider = scale(base, matched(base, "width", target, budget))
    assert abs(count(wider).activations / target - 1) < 0.1


def test_resolution_alone_can_not_grow_parameters() -> None:
    base = zoo.get("micro")
    with pytest.raises(UserError, match="got 'params': budget in macs or activations"):
        matched(base, "resolution", 2 * count(base).params, Budget("params"))


def test_the_nearest_side_is_the_nearest_of_all_sides() -> None:
    base = zoo.get("micro")
    for growth in (0.5, 1.0, 2.0, 3.3, 7.0):
        target = count(base).macs * growth
        found = nearest_side(base, target, Budget())
        costs = {
            px: count(scale_resolution(base, px / base.resolution_px)).macs
            for px in range(base.total_stride, 100)
        }
        assert abs(count(found).macs - target) == min(abs(c - target) for c in costs.values())


@pytest.mark.parametrize("axis", AXIS_NAMES)
def test_memory_is_matched_as_near_as_the_next_larger_and_smaller_network(axis: AxisName) -> None:
    budget = Budget("memory")
    read = meter_of(budget)
    target = 2 * read(SMALL)
    found = scale(SMALL, matched(SMALL, axis, target, budget))
    for other in (scale(SMALL, along(axis, 1.25**i)) for i in range(7)):
        assert abs(read(other) - target) >= abs(read(found) - target)


@pytest.mark.parametrize("axis", AXIS_NAMES)
def test_a_latency_is_matched_from_a_few_timings(axis: AxisName) -> None:
    base, budget = zoo.get("micro"), Budget("latency")
    found, asked = answered(
        base, like_macs, lambda read: matched(base, axis, 2 * read(base), budget, read)
    )
    macs = 2 ** (1 / 0.8) * count(base).macs  # what takes twice as long
    assert found == matched(base, axis, macs, Budget())
    assert len(set(asked)) == len(asked) <= 8


def test_a_bad_reading_on_the_way_does_not_decide_the_match() -> None:
    base, budget = zoo.get("micro"), Budget("latency")

    def law(network: Network) -> float:
        return 2.1 if network == base else 11.0  # smaller, and yet slower: something else ran

    assert nearest_side(base, 2.0, budget, law) == base


def test_what_must_be_built_to_be_measured_is_never_built_more_than_64_times_larger() -> None:
    with pytest.raises(UserError, match="growth must reach the budget by 64 ×, got 1"):
        matched(SMALL, "depth", 2.0, Budget("latency"), lambda network: 1.0)
