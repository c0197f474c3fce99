"""What blocks, stems and heads expand to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch import blocks, zoo
from scaling_search.arch.blocks import ConvDefaults
from scaling_search.arch.layers import (
    Activation,
    Conv,
    MaxPool,
    Norm,
    Residual,
    Scale,
    Sequence,
    SqueezeExcitation,
)
from scaling_search.arch.spec import Stage
from scaling_search.core.errors import UserError

STYLE = ConvDefaults("relu", "batch", 1e-5, 0.1)
MICRO = zoo.get("micro")


def body(stage: Stage, in_channels: int, stride: int) -> dict[str, object]:
    layer = blocks.block(stage, in_channels, stride, STYLE)
    assert isinstance(layer, Residual | Sequence)
    inner = layer.body if isinstance(layer, Residual) else dict(layer.items)["body"]
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


def named(layer: object) -> dict[str, object]:
    assert isinstance(layer, Sequence)
    return dict(layer.items)


def test_the_squeeze_can_be_a_share_of_the_expanded_channels_with_its_own_activation() -> None:
    stage = Stage(
        *("mbconv", 8, 1),
        expansion=4,
        squeeze=0.25,
        squeeze_of="expanded",
        squeeze_activation="silu",
    )
    assert body(stage, 8, 1)["squeeze"] == SqueezeExcitation(32, 8, "silu")


def test_a_separable_block_is_a_depthwise_and_a_pointwise_convolution() -> None:
    parts = named(blocks.block(Stage("separable", 16, 1), 8, 2, STYLE))
    assert conv_of(parts["depthwise"]) == Conv(8, 8, 3, 2, groups=8)
    assert conv_of(parts["pointwise"]) == Conv(8, 16)


def test_a_bottleneck_narrows_by_its_output_and_projects_the_shortcut() -> None:
    stage = Stage("bottleneck", 256, 1, expansion=0.25, group_width=0)
    parts = named(blocks.block(stage, 64, 2, STYLE))
    residual = parts["residual"]
    assert isinstance(residual, Residual)
    inner = named(residual.body)
    assert conv_of(inner["reduce"]) == Conv(64, 64)
    assert conv_of(inner["spatial"]) == Conv(64, 64, 3, 2)
    assert conv_of(inner["project"]) == Conv(64, 256)
    assert conv_of(residual.shortcut) == Conv(64, 256, stride=2)
    assert parts["activation"] == Activation("relu")


def test_a_basic_block_that_keeps_its_shape_has_no_convolution_beside_it() -> None:
    residual = named(blocks.block(Stage("basic", 64, 1), 64, 1, STYLE))["residual"]
    assert isinstance(residual, Residual)
    assert residual.shortcut is None
    assert [conv_of(part) for part in named(residual.body).values()] == 2 * [Conv(64, 64, 3)]


def test_a_convnext_block_puts_a_patch_where_the_shape_changes() -> None:
    stage = Stage("convnext", 16, 2, kernel=7, stride=2, expansion=4)
    style = ConvDefaults("gelu", "layer", 1e-6, 0.1)
    first, other = (named(blocks.block(stage, *change, style)) for change in ((8, 2), (16, 1)))
    assert list(other) == ["residual"]
    patch = named(first["patch"])
    assert patch == {
        "norm": Norm(8, "layer", 1e-6, 0.1),
        "conv": Conv(8, 16, 2, 2, bias=True),
    }
    residual = other["residual"]
    assert isinstance(residual, Residual)
    assert named(residual.body)["scale"] == Scale(16, 1e-6)


def test_a_patch_stem_needs_a_kernel_as_large_as_its_stride() -> None:
    convnext = zoo.get("convnext-tiny")
    assert list(named(blocks.stem(convnext))) == ["conv", "norm"]
    with pytest.raises(UserError, match="as large as its stem_stride 4, got 3"):
        blocks.stem(replace(convnext, stem_kernel=3))


def test_a_norm_head_normalises_the_pooled_features() -> None:
    assert list(named(blocks.head(zoo.get("convnext-tiny")))) == [
        *("pool", "pooled_norm", "dropout", "classifier")
    ]


def test_same_padding_reaches_every_convolution() -> None:
    lite = zoo.get("efficientnet-lite0")
    stem = dict(blocks.stem(lite).items)["conv"]
    assert isinstance(stem, Conv)
    assert stem.same
    assert conv_of(body_of(lite.stages[1], lite.style)["depthwise"]).same


def body_of(stage: Stage, style: ConvDefaults) -> dict[str, object]:
    return named(named(blocks.block(stage, 16, stage.stride, style))["body"])
