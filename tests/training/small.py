"""A training that takes a tenth of a second: 40 images of 8 px, five steps an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from scaling_search.arch import zoo
from scaling_search.data.splits import ResidentSplit
from scaling_search.nets.build import build
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

PX, CLASSES, STEPS_PER_EPOCH = 8, 4, 5
# Dropout, stochastic depth and averaged weights: all that could be lost on the way is there.
RECIPE = Recipe(batch_size=8, ema_decay=0.9, drop_path=0.1, clip_norm=1.0)
MICRO = zoo.get("micro")
NETWORK = replace(
    MICRO, stages=MICRO.stages[:2], resolution_px=PX, num_classes=CLASSES, dropout=0.2
)
CPU = torch.device("cpu")


def split(images: int = 40, seed: int = 0) -> ResidentSplit:
    """Noise whose brightness tells the class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(images) % CLASSES
    noise = torch.randint(0, 120, (images, 1, PX, PX), generator=generator)
    pixels = (noise + 40 * labels.view(-1, 1, 1, 1)).to(torch.uint8)
    return ResidentSplit(pixels, labels, torch.tensor([0.45]), torch.tensor([0.25]))


@dataclass
class StopAfter:
    """Asks to stop after so many steps; counts them."""

    steps: int | None = None
    counted: int = 0

    def __call__(self) -> bool:
        self.counted += 1
        return self.counted == self.steps


def checkpoint_policy(
    folder: Path, stop: Callable[[], bool] = lambda: False, fall: str = "fall"
) -> CheckpointPolicy:
    """Checkpoints in this folder; the clock stands, so that histories can be compared whole."""
    return CheckpointPolicy(folder, folder / fall, stop_asked=stop, clock=lambda: 0.0)


def trainer(
    kept: CheckpointPolicy | None = None,
    *,
    epochs: int = 3,
    seed: int = 0,
    weights_seed: int | None = None,
    recipe: Recipe = RECIPE,
    train: ResidentSplit | None = None,
    **others: Any,
) -> Trainer:
    """A training of the small network, not begun."""
    torch.manual_seed(seed if weights_seed is None else weights_seed)
    model = build(NETWORK, drop_path=recipe.drop_path)
    images = split() if train is None else train
    checked = split(20, seed=1)
    return Trainer(
        model, images, checked, recipe, epochs, seed, CPU, checkpoint_policy=kept, **others
    )


def same_tensors(a: Trainer, b: Trainer) -> bool:
    """Whether weights, optimiser, averaged weights and scaler are equal to the last bit."""
    ours, theirs = a.state.tensors(), b.state.tensors()
    return ours.keys() == theirs.keys() and all(
        torch.equal(tensor, theirs[name]) for name, tensor in ours.items()
    )
