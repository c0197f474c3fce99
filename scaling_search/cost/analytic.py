"""The cost of a network by one walk over its layers: exact, and fast enough for large grids.

MACs are the multiply-adds of convolutions and linear layers for one image; params are all trained
numbers; activations are the output elements of all convolutions for one image (as in
arXiv 2103.06877), those of squeeze-excitations included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import assert_never

from scaling_search.arch import blocks
from scaling_search.arch.blocks import Style
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
    Sequence,
    SqueezeExcitation,
)
from scaling_search.arch.spec import Architecture, Stage


@dataclass(frozen=True)
class Cost:
    """Multiply-adds, trained numbers and convolution outputs of one image; costs add up."""

    macs: int = 0
    params: int = 0
    activations: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.macs + other.macs,
            self.params + other.params,
            self.activations + other.activations,
        )

    def times(self, repeats: int) -> Cost:
        """The cost of `repeats` such parts."""
        return Cost(self.macs * repeats, self.params * repeats, self.activations * repeats)


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


def count(architecture: Architecture) -> Cost:
    """The cost of one image of `resolution_px`, inference."""
    costs = [cost for cost, _ in _parts(architecture)]
    return Cost(
        sum(cost.macs for cost in costs),
        sum(cost.params for cost in costs),
        sum(cost.activations for cost in costs),
    )


def stage_rows(architecture: Architecture) -> tuple[StageRow, ...]:
    """The stem, each stage and the head; the columns add up to `count`."""
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
        rows.append(StageRow(*label, input_px, output_px, cost.macs, cost.params, cost.activations))
        input_px = output_px
    return tuple(rows)


def cost_of(layer: Layer, side_px: int) -> tuple[Cost, int]:
    """The cost of a layer for a map of this side, and the side of the map that comes out."""
    match layer:
        case Conv():
            return _conv(layer, side_px)
        case Norm():
            return Cost(params=2 * layer.channels), side_px
        case Sequence():
            return _sequence(layer, side_px)
        case Residual():
            body, output_px = cost_of(layer.body, side_px)
            beside = cost_of(layer.shortcut, side_px)[0] if layer.shortcut else Cost()
            return body + beside, output_px
        case SqueezeExcitation():
            return _conv(layer.reduce, 1)[0] + _conv(layer.expand, 1)[0], side_px
        case Linear():
            macs = layer.in_features * layer.out_features
            return Cost(macs, macs + layer.out_features), side_px
        case MaxPool():
            return Cost(), layer.output_px(side_px)
        case GlobalPool():
            return Cost(), 1
        case Activation() | Dropout():
            return Cost(), side_px
        case _:
            assert_never(layer)


def _conv(conv: Conv, side_px: int) -> tuple[Cost, int]:
    output_px = conv.output_px(side_px)
    weights = conv.kernel**2 * (conv.in_channels // conv.groups) * conv.out_channels
    params = weights + conv.out_channels * conv.bias
    return Cost(weights * output_px**2, params, conv.out_channels * output_px**2), output_px


def _sequence(layers: Sequence, side_px: int) -> tuple[Cost, int]:
    total = Cost()
    for _, layer in layers.items:
        cost, side_px = cost_of(layer, side_px)
        total += cost
    return total, side_px


def _parts(architecture: Architecture) -> Iterator[tuple[Cost, int]]:
    """Stem, stages and head, each with its cost and the side of its output."""
    a = architecture
    cost, side_px = cost_of(blocks.stem(a), a.resolution_px)
    yield cost, side_px
    for in_channels, stage in a.staged():
        cost, side_px = _stage(stage, in_channels, a.style, side_px)
        yield cost, side_px
    cost, side_px = cost_of(blocks.head(a), side_px)
    yield cost, side_px


def _stage(stage: Stage, in_channels: int, style: Style, side_px: int) -> tuple[Cost, int]:
    first, output_px = _block(stage.once, in_channels, stage.stride, style, side_px)
    if stage.repeats == 1:
        return first, output_px
    other, _ = _block(stage.once, stage.channels, 1, style, output_px)
    return first + other.times(stage.repeats - 1), output_px


# Scaled candidates differ in few blocks, so most are counted once for a whole search.
@lru_cache(maxsize=1 << 17)
def _block(
    stage: Stage, in_channels: int, stride: int, style: Style, side_px: int
) -> tuple[Cost, int]:
    return cost_of(blocks.block(stage, in_channels, stride, style), side_px)
