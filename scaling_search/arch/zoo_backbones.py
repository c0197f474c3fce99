"""Base networks beside the EfficientNets: MobileNets, ResNets, RegNetY and ConvNeXt."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from scaling_search.arch.spec import Architecture, Stage
from scaling_search.arch.zoo_efficientnets import mbconv


def backbones() -> tuple[Architecture, ...]:
    """All of them, each as torchvision has it where it has it."""
    return (
        mobilenet_v1(),
        mobilenet_v2(),
        resnet(18, "basic", (2, 2, 2, 2)),
        resnet(34, "basic", (3, 4, 6, 3)),
        resnet(50, "bottleneck", (3, 4, 6, 3)),
        regnety_400mf(),
        convnext_tiny(),
    )


def mobilenet_v1() -> Architecture:
    """Table 1 of arXiv 1704.04861.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_backbones import mobilenet_v1
        >>> round(count(mobilenet_v1()).macs / 1e6)
        569
    """
    shapes = ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2))
    return Architecture(
        name="mobilenet-v1",
        stages=tuple(
            Stage("separable", width, depth, 3, stride) for width, depth, stride in shapes
        ),
        stem_channels=32,
        head_channels=0,
        resolution_px=224,
        activation="relu",
    )


def mobilenet_v2() -> Architecture:
    """Table 2 of arXiv 1801.04381.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_backbones import mobilenet_v2
        >>> count(mobilenet_v2()).params
        3504872
    """
    return Architecture(
        name="mobilenet-v2",
        stages=(
            mbconv(1, 3, 1, 16, 1, squeeze=0),
            mbconv(6, 3, 2, 24, 2, squeeze=0),
            mbconv(6, 3, 2, 32, 3, squeeze=0),
            mbconv(6, 3, 2, 64, 4, squeeze=0),
            mbconv(6, 3, 1, 96, 3, squeeze=0),
            mbconv(6, 3, 2, 160, 3, squeeze=0),
            mbconv(6, 3, 1, 320, 1, squeeze=0),
        ),
        stem_channels=32,
        head_channels=1280,
        resolution_px=224,
        activation="relu6",
        dropout=0.2,
    )


def resnet(
    layers: int, block: Literal["basic", "bottleneck"], repeats: tuple[int, ...]
) -> Architecture:
    """Table 1 of arXiv 1512.03385; the bottleneck's stride lies in its 3×3 convolution.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_backbones import resnet
        >>> resnet_101 = resnet(101, "bottleneck", (3, 4, 23, 3))
        >>> count(resnet_101).params
        44549160
    """
    first = Stage(block, 64, 1)
    if block == "bottleneck":
        first = Stage(block, 256, 1, expansion=0.25, group_width=0)
    stages = tuple(
        replace(first, channels=first.channels << index, repeats=count, stride=2 if index else 1)
        for index, count in enumerate(repeats)
    )
    return Architecture(
        name=f"resnet-{layers}",
        stages=stages,
        stem="conv-pool",
        stem_channels=64,
        stem_kernel=7,
        stem_stride=4,
        head_channels=0,
        resolution_px=224,
        activation="relu",
    )


def regnety_400mf() -> Architecture:
    """RegNetY-400MF of arXiv 2003.13678: depth 16, w₀ 48, wₐ 27.89, wₘ 2.09, groups of 8.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_backbones import regnety_400mf
        >>> round(count(regnety_400mf()).macs / 1e6)
        402
    """
    shapes = ((48, 1), (104, 3), (208, 6), (440, 6))
    return Architecture(
        name="regnety-400mf",
        stages=tuple(
            Stage("bottleneck", width, depth, 3, 2, squeeze=0.25, group_width=8)
            for width, depth in shapes
        ),
        stem_channels=32,
        head_channels=0,
        resolution_px=224,
        activation="relu",
    )


def convnext_tiny() -> Architecture:
    """ConvNeXt-T of arXiv 2201.03545, table 9.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_backbones import convnext_tiny
        >>> count(convnext_tiny()).params
        28589128
    """
    shapes = ((96, 3, 1), (192, 3, 2), (384, 9, 2), (768, 3, 2))
    return Architecture(
        name="convnext-tiny",
        stages=tuple(
            Stage("convnext", width, depth, 7, stride, expansion=4)
            for width, depth, stride in shapes
        ),
        stem="patch",
        stem_channels=96,
        stem_kernel=4,
        stem_stride=4,
        head_channels=0,
        head="norm",
        resolution_px=224,
        activation="gelu",
        norm="layer",
        norm_eps=1e-6,
    )
