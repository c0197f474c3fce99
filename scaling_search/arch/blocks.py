"""What the kinds of blocks mean, layer by layer; stems and heads lie in `ends`, also named here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_never

from scaling_search.arch.ends import HeadKind, StemKind, head, stem
from scaling_search.arch.layers import (
    Activation,
    Conv,
    Layer,
    Residual,
    Scale,
    Sequence,
    SqueezeExcitation,
    sequence,
)
from scaling_search.arch.rounding import round_channels
from scaling_search.arch.style import ConvDefaults
from scaling_search.core.errors import require

if TYPE_CHECKING:
    from scaling_search.arch.spec import Stage

__all__ = ["READS", "BlockKind", "ConvDefaults", "HeadKind", "StemKind", "block", "head", "stem"]

BlockKind = Literal["mbconv", "separable", "basic", "bottleneck", "convnext"]

_SQUEEZE = ("squeeze", "squeeze_of", "squeeze_activation")
# What a kind does not read must keep its default: two values would stand for one network.
READS: dict[BlockKind, tuple[str, ...]] = {
    "mbconv": ("expansion", "group_width", *_SQUEEZE),
    "separable": (),
    "basic": (),
    "bottleneck": ("expansion", "group_width", *_SQUEEZE),
    "convnext": ("expansion",),
}
LAYER_SCALE = 1e-6  # ConvNeXt, arXiv 2201.03545, table 5


def block(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """One block of a stage, from `in_channels` to the stage's channels.

    Examples:
        >>> from scaling_search.arch import blocks, zoo
        >>> b0 = zoo.get("efficientnet-b0")
        >>> made = blocks.block(b0.stages[1], in_channels=16, stride=1, style=b0.style)
        >>> [name for name, _ in dict(made.items)["body"].items]
        ['expand', 'depthwise', 'squeeze', 'project']
    """
    match stage.block:
        case "mbconv":
            return _mbconv(stage, in_channels, stride, style)
        case "separable":
            return _separable(stage, in_channels, stride, style)
        case "basic":
            return _basic(stage, in_channels, stride, style)
        case "bottleneck":
            return _bottleneck(stage, in_channels, stride, style)
        case "convnext":
            return _convnext(stage, in_channels, stride, style)
        case _:
            assert_never(stage.block)


def _mbconv(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """The inverted bottleneck of MobileNetV2 with the squeeze-excitation of MnasNet."""
    wide = _inner(stage, in_channels, style)
    body = sequence(
        expand=style.conv(Conv(in_channels, wide)) if wide != in_channels else None,
        depthwise=style.conv(_grouped(stage, wide, stride)),
        squeeze=_squeeze(stage, in_channels, wide, style),
        project=style.conv(Conv(wide, stage.channels), activated=False),
    )
    # Both cases name the parameters alike, so weights do not depend on where strides lie.
    return Residual(body) if _keeps_shape(stage, in_channels, stride) else sequence(body=body)


def _separable(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """A depthwise and a pointwise convolution: MobileNetV1, arXiv 1704.04861, figure 3."""
    depthwise = Conv(in_channels, in_channels, stage.kernel, stride, groups=in_channels)
    return sequence(
        depthwise=style.conv(depthwise), pointwise=style.conv(Conv(in_channels, stage.channels))
    )


def _basic(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """Two full convolutions: ResNet-18 and -34, arXiv 1512.03385, figure 5 left."""
    channels = stage.channels
    body = sequence(
        spatial=style.conv(Conv(in_channels, channels, stage.kernel, stride)),
        project=style.conv(Conv(channels, channels, stage.kernel), activated=False),
    )
    return _added(body, stage, in_channels, stride, style)


def _bottleneck(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """ResNet-50's block with the stride in the middle, as in torchvision; grouped, RegNet's."""
    wide = _inner(stage, stage.channels, style)
    body = sequence(
        reduce=style.conv(Conv(in_channels, wide)),
        spatial=style.conv(_grouped(stage, wide, stride)),
        squeeze=_squeeze(stage, in_channels, wide, style),
        project=style.conv(Conv(wide, stage.channels), activated=False),
    )
    return _added(body, stage, in_channels, stride, style)


def _convnext(stage: Stage, in_channels: int, stride: int, style: ConvDefaults) -> Layer:
    """ConvNeXt's block (arXiv 2201.03545, figure 4); where the shape changes, a patch before it."""
    channels, wide = stage.channels, _inner(stage, stage.channels, style)
    patch = sequence(
        norm=style.normalised(in_channels),
        conv=Conv(in_channels, channels, stride, stride, bias=True),
    )
    body = sequence(
        spatial=Conv(channels, channels, stage.kernel, groups=channels, bias=True),
        norm=style.normalised(channels),
        expand=Conv(channels, wide, bias=True),
        activation=Activation(style.activation),
        project=Conv(wide, channels, bias=True),
        scale=Scale(channels, LAYER_SCALE),
    )
    keeps_shape = _keeps_shape(stage, in_channels, stride)
    return sequence(patch=None if keeps_shape else patch, residual=Residual(body))


def _keeps_shape(stage: Stage, in_channels: int, stride: int) -> bool:
    return stride == 1 and in_channels == stage.channels


def _added(
    body: Sequence, stage: Stage, in_channels: int, stride: int, style: ConvDefaults
) -> Sequence:
    """The body beside a shortcut, a 1×1 convolution where the shape changes, then activated."""
    shortcut = Conv(in_channels, stage.channels, stride=stride)
    keeps_shape = _keeps_shape(stage, in_channels, stride)
    beside = None if keeps_shape else style.conv(shortcut, activated=False)
    return sequence(residual=Residual(body, beside), activation=Activation(style.activation))


def _inner(stage: Stage, channels: int, style: ConvDefaults) -> int:
    if stage.expansion == 1:
        return channels
    return round_channels(channels, stage.expansion, style.channel_divisor)


def _grouped(stage: Stage, wide: int, stride: int) -> Conv:
    group_width = stage.group_width or wide
    rule = f"group_width must divide the {wide} expanded channels"
    require(wide % group_width == 0, rule, stage.group_width)
    return Conv(wide, wide, stage.kernel, stride, groups=wide // group_width)


def _squeeze(
    stage: Stage, in_channels: int, wide: int, style: ConvDefaults
) -> SqueezeExcitation | None:
    if not stage.squeeze:
        return None
    squeezed_of = wide if stage.squeeze_of == "expanded" else in_channels
    squeezed = max(1, int(squeezed_of * stage.squeeze))
    return SqueezeExcitation(wide, squeezed, stage.squeeze_activation or style.activation)
