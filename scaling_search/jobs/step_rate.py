"""How long a training's steps and its scoring take here: the training itself, begun and broken off.

It is a job as any other, with its images, its recipe and its device, so all that a run waits for is
in its steps. Nothing that it does is kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import inf
from statistics import fmean

import torch

from scaling_search.data.load import load_split
from scaling_search.data.splits import Batch, Split
from scaling_search.jobs.execute import execute
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Finished, Result
from scaling_search.nets.build import build
from scaling_search.training.evaluate import evaluate_split
from scaling_search.training.history import EpochRecord
from scaling_search.training.train_state import MEMORY_FORMATS

ReadSeconds = Callable[[], float]
"""Seconds from any start."""

WARM_STEPS = 2  # the first step makes the optimiser's tensors, and chooses kernels
LEAST_STEPS = 2
BLOCKS = 5
ENDLESS_EPOCHS = 1_000_000  # epochs: none of these trainings ends


@dataclass(frozen=True)
class StepRate:
    """Seconds an image takes in training and in scoring, each a mean over a block of the time.

    Both are empty where the training came to no step; `failure` then says why.
    """

    train: tuple[float, ...] = ()
    score: tuple[float, ...] = ()
    failure: str = ""


def measure_steps(
    job: TrainJob,
    device: str,
    clock: ReadSeconds,
    seconds: float,
    on_warm: Callable[[], None] = lambda: None,
) -> StepRate:
    """Train for so many seconds, two steps at least, and score for a third of them.

    `on_warm` is called once the first steps are done, to wait for others that train beside it.
    Raises UserError as `execute` does.
    """
    steps = _Steps(clock, seconds, on_warm, torch.device(device))
    result: Result | None = None
    with tempfile.TemporaryDirectory(prefix="scaling-search-rate-") as folder:
        place = Place(device, folder, every_seconds=inf)
        with suppress(_TimeLimitError):
            result = execute(
                endless(job), place, stop_asked=steps.after_step, on_epoch=steps.after_epoch
            )
    if not steps.seconds:
        assert result is not None  # noqa: S101
        return StepRate(
            failure="its epochs are over" if isinstance(result, Finished) else str(result)
        )
    images = job.recipe.batch_size
    train = tuple(step_seconds / images for step_seconds in _means(steps.seconds))
    return StepRate(train, _scoring(job, steps.device, clock, seconds / 3, fmean(train)))


def endless(job: TrainJob) -> TrainJob:
    """The training without an end, on images of the full side from its first epoch on."""
    recipe = replace(job.recipe, progressive_from=1.0, evaluate_px_factor=1.0)
    return replace(job, recipe=recipe, epochs=ENDLESS_EPOCHS, reads_test=False)


class _TimeLimitError(Exception):
    """The time is over."""


@dataclass
class _Steps:
    """What each step took, without the scoring between two epochs."""

    clock: ReadSeconds
    limit: float
    on_warm: Callable[[], None]
    device: torch.device
    seconds: list[float] = field(default_factory=list)
    _done: int = 0
    _since: float = 0.0

    def after_step(self) -> bool:
        """Take the time; raises _TimeLimitError once the time is over."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = self.clock()
        self._done += 1
        if self._done == WARM_STEPS:
            self.on_warm()
            now = self.clock()
        elif self._done > WARM_STEPS:
            self.seconds.append(now - self._since)
            if sum(self.seconds) >= self.limit and len(self.seconds) >= LEAST_STEPS:
                raise _TimeLimitError
        self._since = now
        return False

    def after_epoch(self, _: EpochRecord) -> None:
        """Leave out what the scoring took."""
        self._since = self.clock()


def _means(seconds: list[float]) -> Iterator[float]:
    """The means of a few blocks of steps, in order."""
    size = -(-len(seconds) // BLOCKS)
    return (fmean(seconds[first : first + size]) for first in range(0, len(seconds), size))


def _scoring(
    job: TrainJob, device: torch.device, clock: ReadSeconds, seconds: float, train_seconds: float
) -> tuple[float, ...]:
    """Seconds an image; so few are scored that it should be done in time."""
    px = job.architecture.resolution_px
    split = load_split(job.data, "validation", px, device)
    # Forward is a third of a training step.
    sample = _TruncatedSplit(
        split, max(1, min(len(split), int(seconds / (train_seconds / 3 or inf))))
    )
    model = build(job.architecture)
    layout = MEMORY_FORMATS[job.recipe.memory_format]
    model.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    evaluate_split(model, _TruncatedSplit(split, 1), job.recipe, device)
    began = clock()
    evaluate_split(model, sample, job.recipe, device)
    return ((clock() - began) / len(sample),)


@dataclass(frozen=True, eq=False)
class _TruncatedSplit:
    """The first `count` images of a split."""

    split: Split
    count: int

    @property
    def labels(self) -> torch.Tensor:
        return self.split.labels[: self.count]

    @property
    def mean(self) -> torch.Tensor:
        return self.split.mean

    @property
    def std(self) -> torch.Tensor:
        return self.split.std

    @property
    def bytes(self) -> int:
        return self.split.bytes

    def __len__(self) -> int:
        return self.count

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        return self.split.fetch(indices)

    def batches(self, order: torch.Tensor, batch_size: int) -> Iterator[Batch]:
        return self.split.batches(order, batch_size)
