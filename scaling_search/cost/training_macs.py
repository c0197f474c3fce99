"""What training costs in multiply-adds: forward, and the two halves of backward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from scaling_search.arch import blocks
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
from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import cost_of, count


@dataclass(frozen=True)
class TrainingMacs:
    """The multiply-adds of one image's training step, the optimiser's elementwise work apart.

    With y = w * x, each of y, the gradient of w and the gradient of x takes one multiply-add for
    every pair of a weight and an output that it touches: three times the same number, whatever
    the groups. Only the network's first layer needs no gradient of its input, the image.
    """

    forward: int
    weight_gradients: int
    input_gradients: int

    @property
    def backward(self) -> int:
        """Both halves of the backward pass."""
        return self.weight_gradients + self.input_gradients

    @property
    def total(self) -> int:
        """The whole step."""
        return self.forward + self.backward


def training_macs(architecture: Architecture) -> TrainingMacs:
    """The multiply-adds of a training step for one image of `resolution_px`.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.training_macs import training_macs
        >>> b0 = training_macs(zoo.get("efficientnet-b0"))
        >>> b0.forward, round(b0.total / b0.forward, 2)
        (385814752, 2.97)
    """
    macs = count(architecture).macs
    first = _first(blocks.stem(architecture))
    spared = cost_of(first, architecture.resolution_px)[0].macs if first else 0
    return TrainingMacs(macs, macs, macs - spared)


def _first(layer: Layer) -> Layer | None:
    """The first layer that multiplies; it sees the image at full resolution."""
    match layer:
        case Conv() | Linear():
            return layer
        case Sequence():
            firsts = (_first(item) for _, item in layer.items)
            return next((first for first in firsts if first is not None), None)
        case Residual():
            return _first(layer.body)
        case SqueezeExcitation():
            return layer.reduce
        case Norm() | MaxPool() | GlobalPool() | Activation() | Scale() | Dropout():
            return None
        case _:
            assert_never(layer)
