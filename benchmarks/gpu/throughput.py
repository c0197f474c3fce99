"""Images per second of training: ours by recipe, and timm's step beside it in the same process."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, at_least
from gpu.trainings import images_per_second, rate
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.core.number_formats import MemoryFormat
from scaling_search.cost.arithmetic import arithmetic
from scaling_search.training.recipe import Recipe
from scaling_search.training.train_state import MEMORY_FORMATS

PEER_GOAL = 0.9  # ours augments its images, timm's step has them ready
LAYOUTS: tuple[MemoryFormat, ...] = ("channels-last", "contiguous")


def throughput_part(card: Card, out: Path) -> Iterator[Check]:
    """Our rates, then ours and timm's one after the other, in both layouts."""
    rates: dict[str, float] = {}
    for layout in LAYOUTS:
        yield _beside_timm(card, layout, rates)
    for work, recipe in card.sizes.rated:
        with arithmetic(recipe.number_format, card.device):
            words = f"{work.words}, {_changes(recipe)}"
            rates[words] = round(rate(card, work, recipe, card.sizes.rate_seconds), 1)
        yield at_least("throughput", f"{words}: images/s", rates[words], 1.0)
        write_atomically(out / "throughput.json", as_json(rates))


def _beside_timm(card: Card, layout: MemoryFormat, rates: dict[str, float]) -> Check:
    """Ours over timm's: the median of three pairs."""
    work, name = card.sizes.beside_timm, f"ours over timm's step, bfloat16, {layout}"
    if find_spec("timm") is None:
        seen = "timm is not installed: `pip install --no-deps timm`"
        return Check("throughput", name, f"≥ {PEER_GOAL:g}", seen, None)
    recipe = Recipe(batch_size=work.batch, precision="bfloat16", memory_format=layout)
    recipe = replace(recipe, augment="shift-flip")
    seconds, pairs = card.sizes.rate_seconds / 2, []
    for _ in range(3):
        pairs.append((rate(card, work, recipe, seconds), timm_rate(card, layout, seconds)))
    ratio, ours, theirs = sorted((a / b, a, b) for a, b in pairs)[1]
    rates |= {f"{name}: ours": round(ours, 1), f"{name}: timm's": round(theirs, 1)}
    return at_least("throughput", name, ratio, PEER_GOAL)


def timm_rate(card: Card, layout: MemoryFormat, seconds: float) -> float:
    """The step of timm's train.py: autocast, SGD, a smoothed loss; its images lie there already."""
    work = card.sizes.beside_timm
    torch.backends.cudnn.benchmark = True  # as train.py does
    make = importlib.import_module("timm").create_model
    model = make("efficientnet_b0", num_classes=20, in_chans=work.channels)
    model = model.to(card.device, memory_format=MEMORY_FORMATS[layout]).train()
    optimizer = importlib.import_module("timm.optim").create_optimizer_v2(
        model, opt="sgd", lr=0.1, momentum=0.9, weight_decay=2e-5
    )
    loss_of = importlib.import_module("timm.loss").LabelSmoothingCrossEntropy(0.1)
    shape = (work.batch, work.channels, work.px, work.px)
    images = torch.randn(shape, device=card.device)
    images = images.contiguous(memory_format=MEMORY_FORMATS[layout])
    labels = torch.randint(0, 20, (work.batch,), device=card.device)

    def step() -> None:
        with torch.autocast(card.device.type, dtype=torch.bfloat16):
            loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    try:
        return images_per_second(card, step, work.batch, seconds)
    finally:
        torch.backends.cudnn.benchmark = False


def _changes(recipe: Recipe) -> str:
    """What of a recipe a rate depends on, in words."""
    words: list[str] = [recipe.precision, recipe.memory_format, recipe.augment]
    return ", ".join([*words, "averaged"] if recipe.ema_decay else words)
