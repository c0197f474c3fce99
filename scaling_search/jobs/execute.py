"""One job, start to end, in this process: load, build, train, score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from scaling_search.arch.spec import Architecture
from scaling_search.data.load import load_split
from scaling_search.jobs.job import Diverged, Finished, OutOfMemory, Result, TrainJob
from scaling_search.nets.build import build
from scaling_search.training.loop import (
    DivergedError,
    EpochRecord,
    Keeping,
    Trainer,
    accuracy,
)


@dataclass(frozen=True)
class Place:
    """Where jobs run: the device, and the directory of their checkpoints (None: keep none)."""

    device: str = "cpu"
    checkpoints: str | None = None
    every_seconds: float = 60.0

    def keeping(self, job: TrainJob, stop_asked: Callable[[], bool]) -> Keeping | None:
        """The folders of this job's checkpoints."""
        if self.checkpoints is None:
            return None
        root = Path(self.checkpoints)
        return Keeping(
            plateau=root / job.plateau_hash,
            fall=root / job.plateau_hash / job.fall_hash,
            every_seconds=self.every_seconds,
            stop_asked=stop_asked,
        )


def execute(
    job: TrainJob,
    place: Place,
    *,
    stop_asked: Callable[[], bool] = lambda: False,
    on_epoch: Callable[[EpochRecord], None] = lambda _: None,
) -> Result:
    """Train the job's network and score it; what may be expected to fail is a result.

    Raises StoppedError once `stop_asked` says so and the checkpoint is written.
    """
    try:
        return _execute(job, place, stop_asked, on_epoch)
    except DivergedError as error:
        return Diverged(str(error))
    except (torch.OutOfMemoryError, MemoryError) as error:
        return OutOfMemory(job.recipe.batch_size, str(error))
    except RuntimeError as error:
        # torch's CPU allocator raises a bare RuntimeError.
        if "can't allocate memory" not in str(error):
            raise
        return OutOfMemory(job.recipe.batch_size, str(error))


def _execute(
    job: TrainJob,
    place: Place,
    stop_asked: Callable[[], bool],
    on_epoch: Callable[[EpochRecord], None],
) -> Finished:
    device = torch.device(place.device)
    px = job.architecture.resolution_px
    train = load_split(job.data, "train", px, device)
    validation = load_split(job.data, "validation", px, device)
    torch.manual_seed(job.seed)
    architecture, recipe = job.architecture, job.recipe
    if recipe.dropout is not None and isinstance(architecture, Architecture):
        architecture = replace(architecture, dropout=recipe.dropout)
    model = build(architecture, drop_path=recipe.drop_path)
    trainer = Trainer(
        model,
        train,
        validation,
        recipe,
        job.epochs,
        job.seed,
        device,
        keeping=place.keeping(job, stop_asked),
        on_epoch=on_epoch,
    )
    history = tuple(trainer.run())
    test_top1 = None
    if job.reads_test:
        test = load_split(job.data, "test", px, device)
        test_top1 = accuracy(trainer.state.evaluated, test, recipe, device)
    return Finished(history, history[-1].validation_top1, test_top1, history[-1].train_seconds)
