"""The layers that networks are made of, as values: the one description that is counted and built.

`cost.analytic` folds a tree of these into a cost; `nets.build` turns the same tree into modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActivationKind = Literal["relu", "relu6", "silu", "gelu", "sigmoid"]
NormKind = Literal["batch", "layer"]


@dataclass(frozen=True)
class Conv:
    """A square convolution; an odd kernel is padded by half of it, an even one not at all.

    `same` pads as TensorFlow does, an even map with a stride one pixel less on the upper left; the
    side that comes out is the same.

    Examples:
        >>> from scaling_search.arch.layers import Conv
        >>> Conv(3, 32, kernel=3, stride=2).output_px(224), Conv(3, 32, kernel=3, stride=2).padding
        (112, 1)
    """

    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False
    same: bool = False

    @property
    def padding(self) -> int:
        """Pixels added on every side."""
        return self.kernel // 2 if self.kernel % 2 else 0

    def output_px(self, side_px: int) -> int:
        """The side of the feature map that comes out."""
        if self.same:
            return (side_px - 1) // self.stride + 1
        return (side_px + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each window; padded by half of the kernel."""

    kernel: int
    stride: int

    def output_px(self, side_px: int) -> int:
        """The side of the feature map that comes out."""
        return (side_px + 2 * (self.kernel // 2) - self.kernel) // self.stride + 1


@dataclass(frozen=True)
class Norm:
    """Normalisation with a scale and an offset per channel; `momentum` is torch's, batch only."""

    channels: int
    kind: NormKind
    eps: float
    momentum: float


@dataclass(frozen=True)
class Activation:
    """An elementwise function."""

    kind: ActivationKind


@dataclass(frozen=True)
class Scale:
    """A trained factor for each channel, all `initial` before training (arXiv 2103.17239)."""

    channels: int
    initial: float


@dataclass(frozen=True)
class SqueezeExcitation:
    """Channels weighted by a small network that sees their means (arXiv 1709.01507)."""

    channels: int
    squeezed_channels: int
    activation: ActivationKind

    @property
    def reduce(self) -> Conv:
        """From the means of all channels to few numbers."""
        return Conv(self.channels, self.squeezed_channels, bias=True)

    @property
    def expand(self) -> Conv:
        """From the few numbers to one weight per channel, before the sigmoid."""
        return Conv(self.squeezed_channels, self.channels, bias=True)


@dataclass(frozen=True)
class GlobalPool:
    """The mean of each channel over the whole map."""


@dataclass(frozen=True)
class Dropout:
    """Zeroes a share `rate` of the features in training."""

    rate: float


@dataclass(frozen=True)
class Linear:
    """A fully connected layer with an offset."""

    in_features: int
    out_features: int


@dataclass(frozen=True)
class Residual:
    """`body(x) + shortcut(x)`; no shortcut means x itself."""

    body: Layer
    shortcut: Layer | None = None


@dataclass(frozen=True)
class Sequence:
    """Named layers, one after the other; the names become those of the module's parameters."""

    items: tuple[tuple[str, Layer], ...]


Layer = (
    Conv
    | MaxPool
    | Norm
    | Activation
    | Scale
    | SqueezeExcitation
    | GlobalPool
    | Dropout
    | Linear
    | Residual
    | Sequence
)


def sequence(**items: Layer | None) -> Sequence:
    """A Sequence of the items in the order written, leaving out those that are None.

    Examples:
        >>> from scaling_search.arch.layers import Activation, Conv, sequence
        >>> layers = sequence(conv=Conv(3, 32), squeeze=None, activation=Activation("silu"))
        >>> [name for name, _ in layers.items]
        ['conv', 'activation']
    """
    return Sequence(tuple((name, item) for name, item in items.items() if item is not None))


def output_px(layer: Layer, side_px: int) -> int:
    """The side of the map that a layer makes of one with this side.

    Examples:
        >>> from scaling_search.arch import blocks, zoo
        >>> from scaling_search.arch.layers import output_px
        >>> output_px(blocks.stem(zoo.get("resnet-50")), 224)
        56
    """
    match layer:
        case Conv() | MaxPool():
            return layer.output_px(side_px)
        case Residual():
            return output_px(layer.body, side_px)
        case Sequence():
            for _, item in layer.items:
                side_px = output_px(item, side_px)
            return side_px
        case GlobalPool():
            return 1
        case _:
            return side_px
