"""A run's wish to train on this machine: on its CPU, or on all or some of its GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import torch

from scaling_search.core.errors import require
from scaling_search.jobs.backend import OpenedBackend
from scaling_search.jobs.card_workers import CardWorkers
from scaling_search.jobs.cards import VISIBLE, GpuCard, cards_asked_for, visible_cards
from scaling_search.jobs.environment import DEVICE, environment
from scaling_search.jobs.executor import InlineExecutor, default_workers
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.share_choice import ShareChoice
from scaling_search.jobs.share_trial import ShareTrial
from scaling_search.jobs.workers import Workers
from scaling_search.latency.nvml import memory_share
from scaling_search.latency.process_runner import uuid_of_gpu

GPUS = "gpus"  # an environment's entry: which cards train


@dataclass(frozen=True)
class LocalBackend:
    """Which GPUs train (as --gpus; None: all visible), and how many jobs each takes at once.

    A run of at most `at_most` jobs starts no more workers. Raises UserError for no job on a GPU.
    """

    gpus: str | None = None
    jobs_per_gpu: int | Literal["auto"] = "auto"
    at_most: int | None = None
    say: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        is_valid = self.jobs_per_gpu == "auto" or self.jobs_per_gpu >= 1
        require(is_valid, "--jobs-per-gpu must be auto, or 1 or more", self.jobs_per_gpu)

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked of GPUs."""
        return self.gpus is None and self.jobs_per_gpu == "auto"

    def images_per_second(self, job: TrainJob, device: str, out: Path) -> float:
        """How fast copies of this job train alone on the first GPU; 0 where none does.

        A process of its own trains for some seconds, and nothing of it is kept.
        """
        place = Place("cuda:0", str(out / "checkpoints"))
        card = self._cards(device)[0]
        tried = ShareTrial(job, place, card, out / "logs", memory_share).run(most=1)
        return tried[0].images_per_second if tried else 0.0

    @contextmanager
    def open(
        self, device: str, workers: int | None, out: Path, limit_seconds: float | None
    ) -> Iterator[OpenedBackend]:
        """What runs the jobs: workers, or this process where `workers` is 0.

        On GPUs `workers` is the number of all together. Raises UserError for what can't be met.
        """
        if workers == 0 or device == "cpu":
            rule = "--gpus and --jobs-per-gpu are for workers on GPUs"
            hint = "leave them out; with --workers 0 name one by --device cuda:N"
            trains = "the CPU of this machine" if device == "cpu" else "--workers 0"
            require(self.is_plain, rule, trains, hint)
            yield from self._plain(device, workers, out, limit_seconds)
            return
        cards = self._cards(device)
        first = cards[0].device if self.gpus is not None else device
        number = self._number(len(cards), workers)
        entries = environment(first, number or 0) | {GPUS: ",".join(card.entry for card in cards)}
        if number is None:
            entries["workers"] = "by a trial"
        place = Place("cuda:0", str(out / "checkpoints"))  # in a worker its card is the only one
        share = ShareChoice(out, entries[DEVICE], self.say)
        trial = partial(ShareTrial, place=place, logs=out / "logs", memory_share=memory_share)

        def decide(job: TrainJob) -> int:
            if number is not None:
                return number
            jobs_per_card = share.jobs(job, cards, lambda most: trial(job, card=cards[0]).run(most))
            return at_most(jobs_per_card * len(cards), self.at_most)

        with CardWorkers(cards, place, out / "logs", limit_seconds, decide) as pool:
            yield OpenedBackend(pool, first, entries)

    def _plain(
        self, device: str, workers: int | None, out: Path, limit_seconds: float | None
    ) -> Iterator[OpenedBackend]:
        if workers is None:
            workers = at_most(default_workers(device), self.at_most)
        place, entries = Place(device, str(out / "checkpoints")), environment(device, workers)
        if workers == 0:
            yield OpenedBackend(InlineExecutor(place), device, entries)
            return
        with Workers(workers, place, out / "logs", limit_seconds) as pool:
            yield OpenedBackend(pool, device, entries)

    def _cards(self, device: str) -> tuple[GpuCard, ...]:
        visible = visible_cards(os.environ.get(VISIBLE), torch.cuda.device_count())
        if ":" not in device:
            return cards_asked_for(self.gpus, visible, lambda card: uuid_of_gpu(card.device))
        rule = "--device cuda:N is one GPU"
        require(self.gpus is None, rule, f"--gpus {self.gpus}", "leave one of them out")
        return (visible[int(device.partition(":")[2])],)

    def _number(self, cards: int, workers: int | None) -> int | None:
        """How many workers there are in all; None where a trial must tell."""
        if workers is not None:
            rule = "--workers is the number on all GPUs together"
            option = f"--jobs-per-gpu {self.jobs_per_gpu}"
            require(self.jobs_per_gpu == "auto", rule, option, "leave one of them out")
            return workers
        if self.jobs_per_gpu != "auto":
            return at_most(self.jobs_per_gpu * cards, self.at_most)
        if self.at_most is not None and self.at_most <= cards:
            return self.at_most
        return None


def at_most(number: int, limit: int | None) -> int:
    """The number, or the limit if there is a lower one."""
    return number if limit is None else min(number, limit)
