"""Training steps of ours, each with one thing more than the one before, ready to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from unittest.mock import patch

import torch
from torch import nn

from gpu.card import Card
from gpu.sizes import Trained
from gpu.trainings import CLASSES, batches, take, trainer
from scaling_search.arch import zoo
from scaling_search.core.number_formats import Precision
from scaling_search.cost.arithmetic import arithmetic
from scaling_search.nets.build import build
from scaling_search.training.recipe import Recipe

AT_ONCE = "scaling_search.training.batches.AT_ONCE_BYTES"
STEPS_AN_EPOCH = 40


@dataclass(frozen=True)
class Contestant:
    """A step that trains on one batch, by the name of its way."""

    name: str
    step: Callable[[], None]
    precision: Precision = "float32"
    alone: bool = False  # each batch is augmented by itself

    @contextmanager
    def under_way(self, device: torch.device) -> Iterator[None]:
        """Within this block numbers and images are made as this way makes them."""
        with ExitStack() as stack:
            stack.enter_context(arithmetic(self.precision, device))
            if self.alone:
                stack.enter_context(patch(AT_ONCE, 0))
            yield


def fresh(work: Trained) -> nn.Module:
    """The network with the same weights every time."""
    network = zoo.get(work.network).fitted(
        resolution_px=work.px, in_channels=work.channels, num_classes=CLASSES
    )
    torch.manual_seed(0)
    return build(network)


def ladder(work: Trained, card: Card) -> Iterator[Contestant]:
    """From a default training to all that a recipe can ask for, one thing after the other."""
    default = Recipe(batch_size=work.batch, augment="shift-flip")
    yield _ours("default", work, default, card, alone=True)
    yield _ours("+ augmented at once", work, default, card)
    yield _ours("+ tf32", work, replace(default, precision="tf32"), card)
    half = replace(default, precision="bfloat16")
    yield _ours("+ bfloat16", work, half, card)
    yield _ours("+ whole graphs", work, replace(half, compile="graph"), card)


def _ours(
    name: str, work: Trained, recipe: Recipe, card: Card, *, alone: bool = False
) -> Contestant:
    training = trainer(work, recipe, card, steps=STEPS_AN_EPOCH)
    training.total_steps = 10**9  # the rate of learning stays on its plateau
    parts = batches(training)
    return Contestant(name, lambda: take(training, parts, 1), recipe.number_format, alone)
