"""The local executor: two trainings at once on one card, each in a worker that sees it alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from gpu.card import Card as Device
from gpu.check import Check, at_least, equal
from gpu.memory import small_job
from scaling_search.jobs.cards import VISIBLE, GpuCard, visible_cards
from scaling_search.jobs.executor import Ended, Started, jobs_in_order
from scaling_search.jobs.gpu_share import next_number
from scaling_search.jobs.place import Place
from scaling_search.jobs.share_trial import ShareTrial
from scaling_search.jobs.workers import Workers
from scaling_search.latency.nvml import memory_share


def cards_part(device: Device, out: Path) -> Iterator[Check]:
    """Two jobs on the first card, and a trial of at most two."""
    place, cards = Place(str(device.device)), (_first(),)
    jobs = [replace(small_job(), seed=seed) for seed in range(2)]
    with Workers(2, place, out / "logs", cards=cards) as workers:
        events = list(workers.run(jobs_in_order(jobs)))
    ended = [event for event in events if isinstance(event, Ended)]
    kinds = [type(event) for event in events if isinstance(event, Started | Ended)]
    yield equal("cards", "two jobs on one card", [e.result.kind for e in ended], ["finished"] * 2)
    yield equal("cards", "both begin before one ends", kinds[:2], [Started, Started])
    where = {(event.where or {}).get("gpu", "") for event in ended}
    yield equal("cards", "one card is named as where they trained", len(where - {""}), 1)
    asked = (jobs[0], place, cards[0], out / "logs", memory_share)
    trial = ShareTrial(*asked, window_seconds=device.sizes.phase_seconds)
    tried = trial.run(most=2)
    yield equal("cards", "the trial has come to its end", next_number(tried, most=2), None)
    for each in tried:
        name = f"the trial, {each.jobs} at once: images/s"
        yield at_least("cards", name, each.images_per_second, 1.0)


def _first() -> GpuCard:
    """The first card that is visible; in a rehearsal one that is made up, for the CPU."""
    visible = visible_cards(os.environ.get(VISIBLE), torch.cuda.device_count())
    return visible[0] if visible else GpuCard("0")
