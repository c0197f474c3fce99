"""Is a stopped training the uninterrupted one, and do its seconds tell the truth?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, at_most, equal, within
from gpu.trainings import batches, take, trainer
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.core.errors import StoppedError
from scaling_search.cost.arithmetic import arithmetic
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.determinism import determinism
from scaling_search.training.recipe import Compile, Recipe

STEPS, STOP_AT = 8, 5
MORE_LAUNCHES = 1.02


def resumption_part(card: Card, out: Path) -> Iterator[Check]:
    """Bitwise with deterministic algorithms; what differs without them is written down."""
    found = {asked: differences(card, deterministic=asked) for asked in (True, False)}
    for how, count in found[True].items():
        yield equal("resumption", f"deterministic, {how}: tensors that differ", count, 0)
    write_atomically(out / "resumption.json", as_json({"not deterministic": found[False]}))
    yield from _launches(card)
    share = said_over_wall(card, "off")
    yield within("resumption", "its seconds over the wall's", share, *card.sizes.timed_ratio)


def differences(card: Card, *, deterministic: bool) -> dict[str, int]:
    """How many tensors differ from an uninterrupted training's: trained again, and resumed."""
    with determinism(deterministic), arithmetic("float32", card.device):
        straight, again, resumed = (_final(card, stop) for stop in (False, False, True))
    return {
        "again": _differing(straight, again),
        "resumed": _differing(straight, resumed),
    }


@dataclass
class _Stop:
    """Asks to stop once, at one step."""

    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked == STOP_AT


def _final(card: Card, stop: bool) -> dict[str, torch.Tensor]:
    work = card.sizes.resumed
    recipe = Recipe(
        batch_size=work.batch,
        augment="shift-flip",
        drop_path=0.1,
        ema_decay=0.9,
        learning_rate=0.02,
    )
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if stop:
            stopped = CheckpointPolicy(place, place / "fall", stop_asked=_Stop(), clock=lambda: 0.0)
            with suppress(StoppedError):
                trainer(work, recipe, card, steps=STEPS, epochs=2, checkpoint_policy=stopped).run()
        kept = CheckpointPolicy(place, place / "fall", clock=lambda: 0.0)
        one = trainer(work, recipe, card, steps=STEPS, epochs=2, checkpoint_policy=kept)
        one.run()
        return one.state.tensors()


def _differing(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> int:
    return sum(not torch.equal(tensor, theirs[name]) for name, tensor in ours.items())


def _launches(card: Card) -> Iterator[Check]:
    """A restored optimiser must not need more kernels than a fresh one."""
    for work in card.sizes.launching:
        one = trainer(work, Recipe(batch_size=work.batch, augment="shift-flip"), card, steps=24)
        parts, counts = batches(one), []
        for _ in ("fresh", "restored"):
            take(one, parts, 4)
            counts.append(card.launches(lambda: take(one, parts, 3)).count)  # noqa: B023
            one.state.restore(one.state.tensors())
        limit = MORE_LAUNCHES * counts[0]
        yield at_most("resumption", f"{work.words}: kernels, restored", counts[1], limit)


def said_over_wall(card: Card, mode: Compile) -> float:
    """The seconds that a training says of its epochs but the first, over those of a clock.

    What is scored at an epoch's end is little, and part of the wall's alone.
    """
    walls: list[float] = []

    def ended(_: object) -> None:
        card.synchronize()
        walls.append(time.perf_counter())

    recipe = Recipe(batch_size=card.sizes.clocked.batch, augment="shift-flip", compile=mode)
    history = trainer(
        card.sizes.clocked, recipe, card, steps=card.sizes.clocked_steps, epochs=3, on_epoch=ended
    ).run()
    said = history[-1].train_seconds - history[0].train_seconds
    return said / (walls[-1] - walls[0])
