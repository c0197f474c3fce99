"""Small trainings on images that are noise: what the parts of the check let a device do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import torch

from gpu.card import Card
from gpu.sizes import Trained
from scaling_search.arch import zoo
from scaling_search.data.splits import Batch, ResidentSplit
from scaling_search.nets.build import build
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.history import EpochRecord
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

CLASSES = 20
DRAWN = 256
STEPS = 8  # between two looks at the clock, for which the device is waited for


def noise(work: Trained, images: int, device: torch.device, seed: int = 0) -> ResidentSplit:
    """So many images that lie on the device; the same on each, for they are drawn on the CPU.

    A few are drawn and repeated: a CPU draws slower than a GPU trains.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (min(images, DRAWN), work.channels, work.px, work.px)
    few = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8).to(device)
    pixels = few[torch.arange(images, device=device) % len(few)]
    middle = torch.full((work.channels,), 0.5, device=device)
    return ResidentSplit(pixels, torch.arange(images) % CLASSES, middle, middle / 2)


def trainer(
    work: Trained,
    recipe: Recipe,
    card: Card,
    *,
    steps: int,
    epochs: int = 1,
    checkpoint_policy: CheckpointPolicy | None = None,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> Trainer:
    """A training of so many steps an epoch, not begun; its weights are the same every time."""
    network = zoo.get(work.network).fitted(
        resolution_px=work.px, in_channels=work.channels, num_classes=CLASSES
    )
    if recipe.dropout is not None:
        network = replace(network, dropout=recipe.dropout)
    torch.manual_seed(0)
    model = build(network, drop_path=recipe.drop_path)
    train = noise(work, steps * recipe.batch_size, card.device)
    few = noise(work, min(64, len(train)), card.device, seed=1)
    return Trainer(
        model,
        train,
        few,
        recipe,
        epochs,
        0,
        card.device,
        checkpoint_policy=checkpoint_policy,
        on_epoch=on_epoch,
    )


def batches(training: Trainer) -> Iterator[Batch]:
    """What the training learns from, epoch after epoch, without end."""
    epoch = 0
    while True:
        yield from training._parts(epoch, 0)
        epoch += 1


def take(training: Trainer, parts: Iterator[Batch], steps: int) -> None:
    """So many steps."""
    training.state.model.train()
    for _ in range(steps):
        training._learn(islice(parts, training.recipe.accumulate))


def images_per_second(
    card: Card, step: Callable[[], object], batch: int, seconds: float, warm: int = 4
) -> float:
    """The images that go through a step of `batch` in a second, over about so many seconds."""
    for _ in range(warm):
        step()
    card.synchronize()
    began, done = time.perf_counter(), 0
    while True:
        for _ in range(STEPS):
            step()
        done += STEPS
        card.synchronize()
        spent = time.perf_counter() - began
        if spent > seconds:
            return done * batch / spent


def rate(card: Card, work: Trained, recipe: Recipe, seconds: float, warm: int = 4) -> float:
    """Images per second of our own training's steps; scoring is left out."""
    training = trainer(work, recipe, card, steps=12)
    training.total_steps = 10**9  # the rate of learning stays on its plateau
    parts = batches(training)
    return images_per_second(
        card, lambda: take(training, parts, 1), recipe.batch_size, seconds, warm
    )
