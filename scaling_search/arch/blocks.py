"""What the kinds of stems, blocks and heads mean, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from scaling_search.arch.layers import (
    Activation,
    ActivationKind,
    Conv,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    MaxPool,
    Norm,
    NormKind,
    Residual,
    Sequence,
    SqueezeExcitation,
    sequence,
)
from scaling_search.arch.rounding import round_channels
from scaling_search.errors import require

if TYPE_CHECKING:
    from scaling_search.arch.spec import Architecture, Stage

BlockKind = Literal["mbconv"]
StemKind = Literal["conv", "conv-pool"]


@dataclass(frozen=True)
class Style:
    """What all blocks of a network share."""

    activation: ActivationKind
    norm: NormKind
    norm_eps: float
    norm_momentum: float

    def conv(self, conv: Conv, *, activated: bool = True) -> Sequence:
        """The convolution, its normalisation and, unless told otherwise, the activation."""
        norm = Norm(conv.out_channels, self.norm, self.norm_eps, self.norm_momentum)
        return sequence(
            conv=conv, norm=norm, activation=Activation(self.activation) if activated else None
        )


def stem(architecture: Architecture) -> Sequence:
    """From the image to the first stage; its strides multiply to `stem_stride`."""
    a = architecture
    match a.stem:
        case "conv":
            conv = Conv(a.in_channels, a.stem_channels, a.stem_kernel, a.stem_stride)
            return a.style.conv(conv)
        case "conv-pool":
            rule = "a stem that pools needs an even stem_stride"
            require(a.stem_stride % 2 == 0, rule, a.stem_stride)
            conv = Conv(a.in_channels, a.stem_channels, a.stem_kernel, a.stem_stride // 2)
            return Sequence((*a.style.conv(conv).items, ("pool", MaxPool(3, 2))))
        case _:
            assert_never(a.stem)


def head(architecture: Architecture) -> Sequence:
    """From the last stage to the logits; `head_channels` 0 leaves the 1×1 convolution out."""
    a = architecture
    last = a.stages[-1].channels
    conv = a.style.conv(Conv(last, a.head_channels)).items if a.head_channels else ()
    rest = sequence(
        pool=GlobalPool(),
        dropout=Dropout(a.dropout),
        classifier=Linear(a.head_channels or last, a.num_classes),
    )
    return Sequence(conv + rest.items)


def block(stage: Stage, in_channels: int, stride: int, style: Style) -> Layer:
    """One block of a stage, from `in_channels` to the stage's channels."""
    match stage.block:
        case "mbconv":
            return _mbconv(stage, in_channels, stride, style)
        case _:
            assert_never(stage.block)


def _mbconv(stage: Stage, in_channels: int, stride: int, style: Style) -> Layer:
    """The inverted bottleneck of MobileNetV2 with the squeeze-excitation of MnasNet.

    The squeezed width is a share of the block's input channels, not of the expanded ones.
    """
    wide = round_channels(in_channels, stage.expansion) if stage.expansion != 1 else in_channels
    rule = f"group_width must divide the {wide} expanded channels"
    require(wide % stage.group_width == 0, rule, stage.group_width)
    spatial = Conv(wide, wide, stage.kernel, stride, groups=wide // stage.group_width)
    squeezed = max(1, int(in_channels * stage.squeeze))
    body = sequence(
        expand=style.conv(Conv(in_channels, wide)) if wide != in_channels else None,
        depthwise=style.conv(spatial),
        squeeze=SqueezeExcitation(wide, squeezed, style.activation) if stage.squeeze else None,
        project=style.conv(Conv(wide, stage.channels), activated=False),
    )
    keeps_shape = stride == 1 and in_channels == stage.channels
    # Both cases name the parameters alike, so weights do not depend on where strides lie.
    return Residual(body) if keeps_shape else sequence(body=body)
