"""A training whose steps are captured in CUDA graphs: its seconds, its losses and what it gains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, at_least, at_most, within
from gpu.resumption import said_over_wall
from gpu.trainings import rate, trainer
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.training.recipe import Recipe

LOSSES = 2e-2  # of the plain training's; other kernels round otherwise
GAIN = 1.0 / 1.02  # a small network's steps are launches, which graphs spare


def compiled_part(card: Card, out: Path) -> Iterator[Check]:
    """Against the same training, not compiled."""
    mode, work = card.sizes.captured, card.sizes.sharing
    plain = Recipe(batch_size=work.batch, augment="shift-flip", dropout=0.0)
    recipes = plain, replace(plain, compile=mode)
    losses = [
        trainer(work, recipe, card, steps=12, epochs=2).run()[-1].train_loss for recipe in recipes
    ]
    off = abs(losses[1] / losses[0] - 1)
    yield at_most("compiled", f"compile = {mode}: its loss, off by", off, LOSSES)
    yield within(
        "compiled",
        f"compile = {mode}: its seconds over the wall's",
        said_over_wall(card, mode),
        *card.sizes.timed_ratio,
    )
    seconds = card.sizes.rate_seconds
    rates = [rate(card, work, recipe, seconds, warm=20) for recipe in recipes]
    write_atomically(
        out / "compiled.json", as_json(dict(zip(("off", "graphs"), rates, strict=True)))
    )
    goal = GAIN if mode != "off" else 0.0
    yield at_least(
        "compiled", f"compile = {mode}: images/s over those without", rates[1] / rates[0], goal
    )
