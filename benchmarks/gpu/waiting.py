"""A step of a training must not wait for the device: what torch's debug mode counts, by recipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, at_most
from gpu.trainings import batches, take, trainer
from scaling_search.training.recipe import Recipe

STEPS = 3
RECIPES = {
    "default": Recipe(augment="shift-flip"),
    "bfloat16": Recipe(precision="bfloat16"),
    "float16": Recipe(precision="float16"),
    "clipped": Recipe(clip_norm=1.0),
    "averaged": Recipe(ema_decay=0.999, ema_warmup=False),
    "averaged, with a warm-up": Recipe(ema_decay=0.999),
    "cropped": Recipe(augment="random-resized-crop"),
    "autoaugment": Recipe(auto_augment="autoaugment"),
    "adamw": Recipe(optimizer="adamw"),
    "rmsprop": Recipe(optimizer="rmsprop", learning_rate=0.01),
}
# The scaler asks whether a gradient overflowed.
ALLOWED = {"float16": 1.0}


def waiting_part(card: Card, _out: Path) -> Iterator[Check]:
    """The waits of a step, once an epoch's order and draws are there and kernels are loaded."""
    for name, recipe in RECIPES.items():
        if name in card.sizes.recipes_left_out:
            continue
        yield at_most("synchronisations", f"{name}: a step", waits(card, recipe), allowed(name))


def waits(card: Card, recipe: Recipe) -> float:
    """How often a step of this recipe waits."""
    training = trainer(
        card.sizes.waiting, recipe.at_batch(card.sizes.waiting.batch), card, steps=2 * STEPS + 2
    )
    parts = batches(training)
    take(training, parts, STEPS)
    return card.waits(lambda: take(training, parts, STEPS)) / STEPS


def allowed(name: str) -> float:
    """How often a step of the recipe of this name may wait."""
    return ALLOWED.get(name, 0.0)
