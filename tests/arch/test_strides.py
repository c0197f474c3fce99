"""Which strides small images cost a network."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.strides import (
    Dropped,
    fit_strides,
    last_map_px,
    small_map_warning,
)
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count, stage_rows

B0 = zoo.get("efficientnet-b0")


def test_b0_at_32_px_loses_the_strides_of_stem_and_stage_2_and_is_the_small_b0() -> None:
    fitted = fit_strides(B0, 32)
    assert fitted.dropped == (Dropped("stem", 2, 1), Dropped("stage 2", 2, 1))
    assert fitted.last_px == 4
    assert fitted.architecture == zoo.get("efficientnet-b0-small")
    assert fitted.architecture.fingerprint == zoo.get("efficientnet-b0-small").fingerprint


@pytest.mark.parametrize(("px", "dropped"), [(224, 0), (97, 0), (96, 1), (64, 1), (48, 2), (24, 3)])
def test_no_more_strides_are_dropped_than_4_px_need(px: int, dropped: int) -> None:
    # 97 px become 49, 25, 13, 7 and 4; 96 become 48, 24, 12, 6 and 3.
    assert len(fit_strides(B0, px).dropped) == dropped


@pytest.mark.parametrize("name", zoo.network_names())
@pytest.mark.parametrize("px", [4, 17, 32, 57])
def test_every_network_takes_any_side_and_keeps_its_name_and_4_px(name: str, px: int) -> None:
    fitted = fit_strides(zoo.get(name), px)
    assert fitted.architecture.name == name
    assert fitted.last_px == stage_rows(fitted.architecture)[-2].output_px >= 4


@pytest.mark.parametrize("name", [name for name in zoo.network_names() if name != "convnext-tiny"])
def test_dropping_strides_leaves_the_parameters_as_they_are(name: str) -> None:
    base = zoo.get(name)
    assert count(fit_strides(base, 32).architecture).params == count(base).params


def test_a_pooling_stem_loses_first_its_convolutions_stride_then_its_pool() -> None:
    resnet = zoo.get("resnet-50")
    at_64, at_32 = (fit_strides(resnet, px).architecture for px in (64, 32))
    assert (at_64.stem, at_64.stem_stride) == ("conv-pool", 2)
    assert (at_32.stem, at_32.stem_stride) == ("conv", 1)


def test_a_side_that_no_policy_can_help_drops_every_stride() -> None:
    assert fit_strides(B0, 3).last_px == 3
    with pytest.raises(UserError, match="at least 1 px, got 0"):
        fit_strides(B0, 0)


@pytest.mark.parametrize("name", zoo.network_names())
def test_any_side_from_the_product_of_the_strides_gives_a_map(name: str) -> None:
    base = zoo.get(name)
    for px in (base.total_stride, base.total_stride + 1, 57):
        fitted = base.fitted(resolution_px=px)
        assert last_map_px(fitted) == stage_rows(fitted)[-2].output_px >= 1


def test_a_network_that_ends_small_is_warned_of_with_the_way_out() -> None:
    assert small_map_warning(B0) is None
    assert small_map_warning(B0.fitted(resolution_px=64)) == (
        "efficientnet-b0 ends in a map of 2 px for images of 64 px, less than 4: "
        "lower the strides of stem (2 to 1), or use larger images"
    )
    told = small_map_warning(fit_strides(B0, 3).architecture)
    assert told is not None
    assert told.endswith("less than 4: use larger images")
