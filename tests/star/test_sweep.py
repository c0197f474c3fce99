"""A star's networks: distinct, one dimension at a time, from the centre down."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.core.errors import UserError
from scaling_search.star.sweep import StarSweep, size_of, star_networks

PAPER = Coefficients(1.2, 1.1, 1.15)
B0 = zoo.get("efficientnet-b0")


def test_sizes_are_those_of_the_network_as_built() -> None:
    # B0: 1 + 2 + 2 + 3 + 3 + 4 + 1 blocks; 16² + 24² + 40² + 80² + 112² + 192² + 320².
    assert size_of(B0, "depth") == 16
    assert size_of(B0, "width") == 256 + 576 + 1600 + 6400 + 12544 + 36864 + 102400
    assert size_of(B0, "resolution") == 224


def test_each_arm_begins_with_the_centre_and_goes_down_in_its_dimension_alone() -> None:
    sweep = StarSweep((2, 4, 8), sizes=5)
    networks = star_networks(B0, PAPER, sweep)
    centre = scale(B0, PAPER.at(2))
    for axis in sweep.axes:
        arm = [each for each in networks if each.axis == axis]
        assert len(arm) == 5
        assert arm[0].network == centre
        sizes = [each.size for each in arm]
        assert sizes == sorted(sizes, reverse=True)
        assert len(set(sizes)) == 5
        for other in sweep.axes:
            if other != axis:
                assert {size_of(each.network, other) for each in arm} == {size_of(centre, other)}
    assert len({each.network.fingerprint for each in networks}) == 1 + 3 * 4


def test_a_step_is_a_share_of_the_squared_channels_and_of_the_side() -> None:
    networks = star_networks(B0, PAPER, StarSweep((2, 4, 8), sizes=4, step=0.5))
    sides = [each.size for each in networks if each.axis == "resolution"]
    assert sides == [296, 148, 74, 37]  # 224 × 1.15², halved
    widths = [each.size for each in networks if each.axis == "width"]
    ratios = [below / above for above, below in pairwise(widths)]
    assert ratios == pytest.approx([0.5] * 3, abs=0.05)


def test_a_dimension_that_runs_out_of_sizes_is_named() -> None:
    rule = r"6 sizes of each dimension below its centre, got '3 of depth': .* leave depth out"
    with pytest.raises(UserError, match=rule):
        star_networks(zoo.get("nano"), PAPER, StarSweep((2, 4, 8)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"epochs": (2, 4)}, r"3 lengths of training, each named once, got \(2, 4\): try"),
        ({"epochs": (2, 4, 4, 8)}, "each named once"),
        ({"epochs": (0, 4, 8)}, "a training has at least 1 epoch, got 0"),
        ({"epochs": (2, 4, 8), "sizes": 3}, "needs 4 to 40 sizes of each dimension, got 3"),
        ({"epochs": (2, 4, 8), "step": 1.0}, r"a step down must lie in \[0.3, 1\), got 1.0"),
        ({"epochs": (2, 4, 8), "seeds": 0}, "at least 1 seed, got 0"),
        ({"epochs": (2, 4, 8), "axes": ("width",)}, "two or more, each named once, got 'width'"),
        ({"epochs": (2, 4, 8), "score": "top1"}, "a score is one of loss, error, got 'top1'"),
        ({"epochs": (2, 4, 8), "phi": 99.0}, "within ±20, got 99.0"),
    ],
)
def test_a_sweep_that_can_not_be_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        StarSweep(**fields)  # type: ignore[arg-type]
