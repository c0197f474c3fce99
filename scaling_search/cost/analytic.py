"""The cost of a network by one walk over its layers: exact, and fast enough for large grids.

MACs are the multiply-adds of convolutions and linear layers for one image; params are all trained
numbers; activations are the output elements of all convolutions for one image (as in
arXiv 2103.06877), those of squeeze-excitations included. Elementwise work is what all other layers
do: each pass over a map (normalise, activate, average, weigh, add, pool) counts its elements once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import add, attrgetter
from typing import Literal, assert_never, cast

from scaling_search.arch import blocks
from scaling_search.arch.blocks import ConvDefaults
from scaling_search.arch.layers import (
    Activation,
    Conv,
    Dropout,
    GlobalPool,
    Layer,
    Linear,
    MaxPool,
    Norm,
    Residual,
    Scale,
    Sequence,
    SqueezeExcitation,
)
from scaling_search.arch.protocol import Network, SelfScalingNetwork
from scaling_search.arch.spec import Architecture, Stage

MacKind = Literal["stem", "pointwise", "depthwise", "squeeze_excitation", "dense", "linear"]
KINDS: tuple[MacKind, ...] = (
    *("stem", "pointwise", "depthwise"),
    *("squeeze_excitation", "dense", "linear"),
)


@dataclass(frozen=True)
class Cost:
    """Multiply-adds, trained numbers and convolution outputs of one image; costs add up.

    The MACs by kind add up to `macs`: those of the stem; of 1×1 convolutions without groups; of
    convolutions whose groups see one channel each; of squeeze-excitations; of all other
    convolutions (dense); of linear layers. Costs are equal when the first three numbers are.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch import zoo
        >>> cost = count(zoo.get("resnet-50"))
        >>> cost.macs, cost.params, cost.activations
        (4089184256, 25557032, 11113984)
        >>> {kind: round(macs / 1e6) for kind, macs in cost.macs_by_kind.items() if macs}
        {'stem': 118, 'pointwise': 2119, 'dense': 1850, 'linear': 2}
    """

    macs: int = 0
    params: int = 0
    activations: int = 0
    elementwise: int = field(default=0, compare=False)
    stem_macs: int = field(default=0, compare=False)
    pointwise_macs: int = field(default=0, compare=False)
    depthwise_macs: int = field(default=0, compare=False)
    squeeze_excitation_macs: int = field(default=0, compare=False)
    dense_macs: int = field(default=0, compare=False)
    linear_macs: int = field(default=0, compare=False)

    def __add__(self, other: Cost) -> Cost:
        return Cost(*map(add, _numbers(self), _numbers(other)))

    def times(self, repeats: int) -> Cost:
        """The cost of `repeats` such parts."""
        return Cost(*(number * repeats for number in _numbers(self)))

    def all_of_kind(self, kind: MacKind) -> Cost:
        """The same cost with all its MACs counted as this kind."""
        totals = (self.macs, self.params, self.activations, self.elementwise)
        return Cost(*totals, *(self.macs if each == kind else 0 for each in KINDS))

    @property
    def macs_by_kind(self) -> dict[MacKind, int]:
        """The MACs of each kind."""
        return dict(zip(KINDS, _numbers(self)[4:], strict=True))


_numbers = attrgetter(
    *("macs", "params", "activations", "elementwise"), *(f"{kind}_macs" for kind in KINDS)
)


@dataclass(frozen=True)
class StageRow:
    """One line of a network's table; `stride` is that of the first block, px are map sides."""

    name: str
    block: str
    repeats: int
    channels: int
    stride: int
    input_px: int
    output_px: int
    macs: int
    params: int
    activations: int
    elementwise: int = 0
    stem_macs: int = 0
    pointwise_macs: int = 0
    depthwise_macs: int = 0
    squeeze_excitation_macs: int = 0
    dense_macs: int = 0
    linear_macs: int = 0


def count(architecture: Network) -> Cost:
    """The cost of one image of `resolution_px`, inference.

    A network that no table describes counts itself.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch import zoo
        >>> for name in ("efficientnet-b0", "resnet-50", "mobilenet-v2"):
        ...     cost = count(zoo.get(name))
        ...     print(f"{name}: {cost.macs / 1e9:.2f} G MACs, {cost.params / 1e6:.1f} M parameters")
        efficientnet-b0: 0.39 G MACs, 5.3 M parameters
        resnet-50: 4.09 G MACs, 25.6 M parameters
        mobilenet-v2: 0.30 G MACs, 3.5 M parameters
    """
    if not isinstance(architecture, Architecture):
        return Cost(*cast(SelfScalingNetwork, architecture).costs())
    return _total([cost for cost, _ in _parts(architecture)])


def stage_rows(architecture: Architecture) -> tuple[StageRow, ...]:
    """The stem, each stage and the head; the columns add up to `count`.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.analytic import stage_rows
        >>> for row in stage_rows(zoo.get("efficientnet-b0"))[:3]:
        ...     print(f"{row.name}: {row.input_px} to {row.output_px} px, {row.macs / 1e6:.1f} M")
        stem: 224 to 112 px, 10.8 M
        stage 1: 112 to 112 px, 10.0 M
        stage 2: 112 to 56 px, 54.9 M
    """
    a = architecture
    rows, input_px = [], a.resolution_px
    labels = [
        ("stem", a.stem, 1, a.stem_channels, a.stem_stride),
        *(
            (f"stage {number}", s.block, s.repeats, s.channels, s.stride)
            for number, s in enumerate(a.stages, 1)
        ),
        ("head", "head", 1, a.head_channels, 1),
    ]
    for label, (cost, output_px) in zip(labels, _parts(a), strict=True):
        rows.append(StageRow(*label, input_px, output_px, *_numbers(cost)))
        input_px = output_px
    return tuple(rows)


def cost_of(layer: Layer, side_px: int, channels: int = 0) -> tuple[Cost, int]:
    """The cost of a layer for a map of this side, and the side of the map that comes out.

    `channels` enter it; only the elementwise work of a layer that says no width itself needs them.

    Examples:
        >>> from scaling_search.arch.layers import Conv
        >>> from scaling_search.cost.analytic import cost_of
        >>> cost, side_px = cost_of(Conv(3, 32, kernel=3, stride=2), side_px=224)
        >>> cost.macs == 3 * 3 * 3 * 32 * 112 * 112, cost.params, side_px
        (True, 864, 112)
    """
    cost, _, output_px = _walk(layer, channels, side_px)
    return cost, output_px


_Walked = tuple[Cost, int, int]


def _walk(layer: Layer, channels: int, side_px: int) -> _Walked:
    """The cost of a layer, and the channels and the side of the map that comes out."""
    elements = channels * side_px**2
    match layer:
        case Conv():
            return _conv(layer, side_px)
        case Norm():
            passed = layer.channels * side_px**2
            return Cost(params=2 * layer.channels, elementwise=passed), layer.channels, side_px
        case Sequence():
            return _sequence(layer, channels, side_px)
        case Residual():
            return _residual(layer, channels, side_px)
        case SqueezeExcitation():
            return _squeeze_excitation(layer, side_px), layer.channels, side_px
        case Linear():
            macs = layer.in_features * layer.out_features
            cost = Cost(macs, macs + layer.out_features).all_of_kind("linear")
            return cost, layer.out_features, side_px
        case MaxPool():
            return Cost(elementwise=elements), channels, layer.output_px(side_px)
        case GlobalPool():
            return Cost(elementwise=elements), channels, 1
        case Activation():
            return Cost(elementwise=elements), channels, side_px
        case Scale():
            cost = Cost(params=layer.channels, elementwise=elements)
            return cost, channels, side_px
        case Dropout():
            return Cost(), channels, side_px
        case _:
            assert_never(layer)


def _total(costs: Iterable[Cost]) -> Cost:
    """The sum, at one go: a search sums up many thousand times."""
    return Cost(*map(sum, zip(*map(_numbers, costs), strict=True)))


def _conv(conv: Conv, side_px: int) -> _Walked:
    output_px = conv.output_px(side_px)
    weights = conv.kernel**2 * (conv.in_channels // conv.groups) * conv.out_channels
    params = weights + conv.out_channels * conv.bias
    cost = Cost(weights * output_px**2, params, conv.out_channels * output_px**2)
    return cost.all_of_kind(_kind(conv)), conv.out_channels, output_px


def _kind(conv: Conv) -> MacKind:
    if conv.groups == 1:
        return "pointwise" if conv.kernel == 1 else "dense"
    return "depthwise" if conv.groups == conv.in_channels else "dense"


def _sequence(layers: Sequence, channels: int, side_px: int) -> _Walked:
    costs = []
    for _, layer in layers.items:
        cost, channels, side_px = _walk(layer, channels, side_px)
        costs.append(cost)
    return _total(costs), channels, side_px


def _residual(layer: Residual, channels: int, side_px: int) -> _Walked:
    body, out_channels, output_px = _walk(layer.body, channels, side_px)
    beside = _walk(layer.shortcut, channels, side_px)[0] if layer.shortcut else Cost()
    added = Cost(elementwise=out_channels * output_px**2)
    return body + beside + added, out_channels, output_px


def _squeeze_excitation(layer: SqueezeExcitation, side_px: int) -> Cost:
    """Two 1×1 convolutions; a mean and a product over the map, two functions of few numbers."""
    convs = _conv(layer.reduce, 1)[0] + _conv(layer.expand, 1)[0]
    passes = 2 * layer.channels * side_px**2 + layer.squeezed_channels + layer.channels
    return convs.all_of_kind("squeeze_excitation") + Cost(elementwise=passes)


def _parts(architecture: Architecture) -> Iterator[tuple[Cost, int]]:
    """Stem, stages and head, each with its cost and the side of its output."""
    a = architecture
    cost, side_px = _end(blocks.stem(a), a.resolution_px, a.in_channels)
    yield cost.all_of_kind("stem"), side_px
    for in_channels, stage in a.staged():
        cost, side_px = _stage(stage, in_channels, a.style, side_px)
        yield cost, side_px
    yield _end(blocks.head(a), side_px, a.stages[-1].channels)


# Scaled candidates share most of their stages, blocks and ends: a search counts each of them once.
_end = lru_cache(maxsize=1 << 14)(cost_of)


@lru_cache(maxsize=1 << 17)
def _stage(stage: Stage, in_channels: int, style: ConvDefaults, side_px: int) -> tuple[Cost, int]:
    first, output_px = _block(stage.once, in_channels, stage.stride, style, side_px)
    if stage.repeats == 1:
        return first, output_px
    other, _ = _block(stage.once, stage.channels, 1, style, output_px)
    return first + other.times(stage.repeats - 1), output_px


@lru_cache(maxsize=1 << 17)
def _block(
    stage: Stage, in_channels: int, stride: int, style: ConvDefaults, side_px: int
) -> tuple[Cost, int]:
    return cost_of(blocks.block(stage, in_channels, stride, style), side_px, in_channels)
