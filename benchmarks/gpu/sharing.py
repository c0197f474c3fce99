"""Several processes that train on one GPU: images per second of all together, by their number."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from gpu.card import Card
from gpu.check import Check, at_least
from gpu.trainings import batches, images_per_second, take, trainer
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.training.recipe import Recipe

START_SECONDS = 120.0  # a bound: every process imports torch and loads its kernels


def sharing_part(card: Card, out: Path) -> Iterator[Check]:
    """All processes start at once; in each phase some of them train and the others are idle."""
    totals = {count: sum(each) for count, each in rates(card).items()}
    write_atomically(
        out / "sharing.json", as_json({f"{n} processes": r for n, r in totals.items()})
    )
    gain = max(totals.values()) / totals[min(totals)]
    goal = card.sizes.sharing_gain
    yield at_least("sharing", "the best number of processes over one: images/s", gain, goal)
    for count, total in totals.items():
        yield at_least("sharing", f"{count} at once: images/s", total, 1.0)


def rates(card: Card) -> dict[int, list[float]]:
    """For each number of processes the images per second of each."""
    counts = card.sizes.processes
    context = multiprocessing.get_context("spawn")
    barrier, found = context.Barrier(max(counts)), context.Queue()
    children = [
        context.Process(target=_train, args=(card, number, barrier, found), daemon=True)
        for number in range(max(counts))
    ]
    for child in children:
        child.start()
    answers = dict(_answers(found, len(children)))
    for child in children:
        child.join()
    return {count: [answers[n][k] for n in range(count)] for k, count in enumerate(counts)}


def _answers(found: Any, count: int) -> Iterator[tuple[int, list[float]]]:
    for _ in range(count):
        try:
            yield found.get(timeout=START_SECONDS)
        except Empty:
            raise RuntimeError(
                f"every process must answer within {START_SECONDS:g} s: see the part's log"
            ) from None


def _train(card: Card, number: int, barrier: Barrier, found: Any) -> None:
    """What one process does: warm up, then each phase at the same time as the others."""
    torch.set_num_threads(1)
    work, rated = card.sizes.sharing, []
    one = trainer(work, Recipe(batch_size=work.batch, augment="shift-flip"), card, steps=40)
    one.total_steps = 10**9
    parts = batches(one)
    take(one, parts, 10)
    for count in card.sizes.processes:
        barrier.wait(START_SECONDS)
        rated.append(
            images_per_second(
                card, lambda: take(one, parts, 1), work.batch, card.sizes.phase_seconds, warm=1
            )
            if number < count
            else 0.0
        )
    found.put((number, rated))
