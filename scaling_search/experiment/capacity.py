"""What a run would train on, as its options say: how many trainings at a time, in which memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from scaling_search.core.errors import require
from scaling_search.experiment.plan import Capacity
from scaling_search.jobs.cards import VISIBLE, GpuCard, cards_asked_for, visible_cards
from scaling_search.jobs.environment import chosen_device
from scaling_search.jobs.executor import default_workers
from scaling_search.jobs.retry import memory_bytes
from scaling_search.jobs.share_choice import ShareChoice
from scaling_search.latency.process_runner import machine_of, uuid_of_gpu


@dataclass(frozen=True)
class PlannedPlacement:
    """Where a run would train: the options of `run`.

    `gpus` may be a number above that of the cards that there are: so many like the first of them.
    """

    device: str = "auto"
    workers: int | None = None
    gpus: str | None = None
    jobs_per_gpu: int | Literal["auto"] = "auto"

    def __post_init__(self) -> None:
        """Raise UserError for fewer than 0 workers, or no job on a GPU."""
        workers, jobs = self.workers, self.jobs_per_gpu
        require(workers is None or workers >= 0, "workers must be 0 or more", workers)
        rule = "--jobs-per-gpu must be auto, or 1 or more"
        require(jobs == "auto" or jobs >= 1, rule, jobs)


@dataclass(frozen=True)
class PlannedMachine:
    """The capacity, and the card whose steps are measured (None: the CPU)."""

    capacity: Capacity
    card: GpuCard | None = None


def planned_machine(
    placement: PlannedPlacement, out: Path, say: Callable[[str], None]
) -> PlannedMachine:
    """What this machine has for such a run in `out`; raises UserError for what can't be met."""
    device = chosen_device(placement.device)
    free = shutil.disk_usage(_existing(out)).free
    if device == "cpu":
        rule = "--gpus and --jobs-per-gpu are for GPUs"
        plain = placement.gpus is None and placement.jobs_per_gpu == "auto"
        require(plain, rule, "the CPU of this machine", "leave them out")
        workers = default_workers(device) if placement.workers is None else placement.workers
        at_once = max(1, workers)
        machine = machine_of(device)
        return PlannedMachine(
            Capacity(device, machine, at_once, at_once, memory_bytes(device), free)
        )
    cards, first = _cards(device, placement)
    each = _jobs_per_card(placement, cards, out, machine_of(first.device), say)
    at_once = placement.workers or (1 if placement.workers == 0 else each * cards)
    machine = machine_of(first.device)
    memory = memory_bytes(first.device)
    sharing = -(-at_once // cards)
    return PlannedMachine(Capacity(device, machine, at_once, sharing, memory, free), first)


def _cards(device: str, placement: PlannedPlacement) -> tuple[int, GpuCard]:
    """How many cards train, and the first of them."""
    visible = visible_cards(os.environ.get(VISIBLE), torch.cuda.device_count())
    if ":" in device or placement.workers == 0:
        rule = "--device cuda:N and --workers 0 are of one GPU"
        require(placement.gpus is None, rule, f"--gpus {placement.gpus}", "leave it out")
        return 1, visible[int(device.partition(":")[2] or 0)]
    gpus = placement.gpus
    if gpus is not None and gpus.isdecimal() and int(gpus) > len(visible):
        return int(gpus), visible[0]
    cards = cards_asked_for(gpus, visible, lambda card: uuid_of_gpu(card.device))
    return len(cards), cards[0]


def _jobs_per_card(
    placement: PlannedPlacement, cards: int, out: Path, name: str, say: Callable[[str], None]
) -> int:
    """Those asked for, or those that a trial of a run in `out` has found; else 1, which is said."""
    if placement.jobs_per_gpu != "auto":
        return placement.jobs_per_gpu
    stored = ShareChoice(out, name, say).read()
    if stored is None and placement.workers is None:
        say(
            f"one training at a time on each of {cards} GPUs: a run's own trial may find that a "
            "card takes several (--jobs-per-gpu N plans with N)"
        )
    return stored or 1


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
