"""What comes before the first stage and after the last: stems and heads, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_never

from scaling_search.arch.layers import (
    Conv,
    Dropout,
    GlobalPool,
    Linear,
    MaxPool,
    Sequence,
    sequence,
)
from scaling_search.core.errors import require

if TYPE_CHECKING:
    from scaling_search.arch.spec import Architecture

StemKind = Literal["conv", "conv-pool", "patch"]
HeadKind = Literal["conv", "norm"]


def stem(architecture: Architecture) -> Sequence:
    """From the image to the first stage; its strides multiply to `stem_stride`.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.ends import stem
        >>> [name for name, _ in stem(zoo.get("resnet-50")).items]
        ['conv', 'norm', 'activation', 'pool']
    """
    a = architecture
    conv = Conv(a.in_channels, a.stem_channels, a.stem_kernel, a.stem_stride)
    match a.stem:
        case "conv":
            return a.style.conv(conv)
        case "conv-pool":
            rule = "a stem that pools needs an even stem_stride"
            require(a.stem_stride % 2 == 0, rule, a.stem_stride)
            conv = Conv(a.in_channels, a.stem_channels, a.stem_kernel, a.stem_stride // 2)
            return Sequence((*a.style.conv(conv).items, ("pool", MaxPool(3, 2))))
        case "patch":
            rule = f"a patch stem needs a stem_kernel as large as its stem_stride {a.stem_stride}"
            require(a.stem_kernel == a.stem_stride, rule, a.stem_kernel)
            conv = Conv(a.in_channels, a.stem_channels, a.stem_kernel, a.stem_stride, bias=True)
            return sequence(conv=conv, norm=a.style.normalised(a.stem_channels))
        case _:
            assert_never(a.stem)


def head(architecture: Architecture) -> Sequence:
    """From the last stage to the logits; `head_channels` 0 leaves the 1×1 convolution out.

    The head "norm" normalises the pooled features, as ConvNeXt's does.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.ends import head
        >>> [name for name, _ in head(zoo.get("efficientnet-b0")).items]
        ['conv', 'norm', 'activation', 'pool', 'dropout', 'classifier']
    """
    a = architecture
    last = a.stages[-1].channels
    wide = a.head_channels or last
    conv = a.style.conv(Conv(last, wide)).items if a.head_channels else ()
    classifier = sequence(
        pool=GlobalPool(),
        pooled_norm=a.style.normalised(wide) if a.head == "norm" else None,
        dropout=Dropout(a.dropout),
        classifier=Linear(wide, a.num_classes),
    )
    return Sequence(conv + classifier.items)
