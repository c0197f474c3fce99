"""What blocks, stems and heads expand to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch import blocks, zoo
from scaling_search.arch.blocks import Style
from scaling_search.arch.layers import Conv, MaxPool, Residual, Sequence, SqueezeExcitation
from scaling_search.arch.spec import Stage
from scaling_search.errors import UserError

STYLE = Style("relu", "batch", 1e-5, 0.1)
MICRO = zoo.get("micro")


def body(stage: Stage, in_channels: int, stride: int) -> dict[str, object]:
    layer = blocks.block(stage, in_channels, stride, STYLE)
    inner = layer.body if isinstance(layer, Residual) else dict(layer.items)["body"]  # type: ignore[union-attr]
    assert isinstance(inner, Sequence)
    return dict(inner.items)


def conv_of(part: object) -> Conv:
    assert isinstance(part, Sequence)
    conv = dict(part.items)["conv"]
    assert isinstance(conv, Conv)
    return conv


def test_an_mbconv_expands_filters_squeezes_and_projects() -> None:
    parts = body(Stage("mbconv", 24, 1, 5, 2, expansion=6, squeeze=0.25), 16, 2)
    assert list(parts) == ["expand", "depthwise", "squeeze", "project"]
    assert conv_of(parts["expand"]) == Conv(16, 96)
    assert conv_of(parts["depthwise"]) == Conv(96, 96, 5, 2, groups=96)
    assert parts["squeeze"] == SqueezeExcitation(96, 4, "relu")
    assert conv_of(parts["project"]) == Conv(96, 24)


def test_without_expansion_and_squeeze_their_layers_are_left_out() -> None:
    assert list(body(Stage("mbconv", 8, 1), 8, 1)) == ["depthwise", "project"]


def test_only_a_block_that_keeps_its_shape_is_residual() -> None:
    stage = Stage("mbconv", 16, 2, stride=2)
    assert isinstance(blocks.block(stage, 16, 1, STYLE), Residual)
    assert not isinstance(blocks.block(stage, 16, 2, STYLE), Residual)
    assert not isinstance(blocks.block(stage, 8, 1, STYLE), Residual)


def test_the_spatial_convolution_can_see_groups_of_channels() -> None:
    parts = body(Stage("mbconv", 16, 1, expansion=2, group_width=8), 16, 1)
    assert conv_of(parts["depthwise"]).groups == 4


def test_a_group_width_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match="must divide the 16 expanded channels, got 3"):
        body(Stage("mbconv", 16, 1, group_width=3), 16, 1)


def test_a_pooling_stem_shares_its_stride_between_convolution_and_pool() -> None:
    items = dict(blocks.stem(replace(MICRO, stem="conv-pool", stem_stride=2)).items)
    assert items["conv"] == Conv(1, MICRO.stem_channels, 3, 1)
    assert items["pool"] == MaxPool(3, 2)


def test_a_pooling_stem_with_an_odd_stride_is_refused() -> None:
    with pytest.raises(UserError, match="even stem_stride, got 1"):
        blocks.stem(replace(MICRO, stem="conv-pool", stem_stride=1))


def test_a_head_of_0_channels_has_no_convolution() -> None:
    assert "conv" in dict(blocks.head(MICRO).items)
    assert list(dict(blocks.head(replace(MICRO, head_channels=0)).items)) == [
        "pool",
        "dropout",
        "classifier",
    ]
