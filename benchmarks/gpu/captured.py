"""Whole steps in CUDA graphs, without a compiler: losses, what they gain, what a capture takes.

The seconds of a timed network's graph are looked at as well, one after the other: the capture of
B0's training step did not end within 50 s on an H100, and where it stayed is open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, at_least, at_most
from gpu.sizes import Trained
from gpu.trainings import rate, trainer
from scaling_search.arch import zoo
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.latency.cuda_driver import TorchDriver
from scaling_search.latency.job import Regime
from scaling_search.latency.prepare import loaded
from scaling_search.training.captured import WARM_UP
from scaling_search.training.recipe import Recipe

LOSSES = 1e-2  # of the plain training's: SGD's one kernel rounds otherwise
GAIN, SECONDS = 2.0, 5.0
BATCH = 4


def captured_part(card: Card, out: Path) -> Iterator[Check]:
    """Against plain steps of the same trainings, then a timed network's capture by its stages."""
    rates: dict[str, float] = {}
    for work in card.sizes.captured_whole:
        # A rate at which rounding does not grow to another training within a few steps.
        plain = Recipe(batch_size=work.batch, augment="shift-flip", learning_rate=0.01)
        yield from _beside_plain(card, plain, work, rates)
        write_atomically(out / "captured.json", as_json(rates))
    if card.device.type == "cuda":
        yield from _stages(card)


def _beside_plain(
    card: Card, plain: Recipe, work: Trained, rates: dict[str, float]
) -> Iterator[Check]:
    words, recipes = work.words, (plain, replace(plain, compile="graph"))
    both = [trainer(work, each, card, steps=6, epochs=2) for each in recipes]
    losses, seconds = [], []
    for one in both:
        began = time.perf_counter()
        losses.append(one.run()[-1].train_loss)
        seconds.append(time.perf_counter() - began)
    off = abs(losses[1] / losses[0] - 1)
    yield at_most("captured", f"{words}: loss in graphs, off by", off, LOSSES)
    longer = seconds[1] - seconds[0]
    yield at_most("captured", f"{words}: seconds that a capture takes", longer, SECONDS)
    seconds_each = card.sizes.rate_seconds
    ours = [rate(card, work, each, seconds_each, warm=2 * WARM_UP) for each in recipes]
    rates |= {f"{words}: off": round(ours[0], 1), f"{words}: graph": round(ours[1], 1)}
    goal = GAIN if card.device.type == "cuda" else 0.0
    yield at_least("captured", f"{words}: images/s over plain steps", ours[1] / ours[0], goal)


def _stages(card: Card) -> Iterator[Check]:
    """B0's timed training step: with the search for algorithms and without, then its capture."""
    network, device = zoo.get("efficientnet-b0"), card.timed()
    for searches in (False, True):
        torch.backends.cudnn.benchmark = searches
        try:
            step = loaded(network, Regime("training", BATCH), BATCH, device.name)
            said = f"B0's training step, cudnn.benchmark {'on' if searches else 'off'}: seconds of"
            first = _seconds(card, step)
            yield at_most("captured", f"{said} the first", first, 10.0)
            whole = _seconds(card, partial(TorchDriver(card.device).capture, step))
            yield at_most("captured", f"{said} the capture", whole, 10.0)
        finally:
            torch.backends.cudnn.benchmark = False


def _seconds(card: Card, work: Callable[[], object]) -> float:
    card.synchronize()
    began = time.perf_counter()
    work()
    card.synchronize()
    return time.perf_counter() - began
