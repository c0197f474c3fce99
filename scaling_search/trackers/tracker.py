"""What every tracker is told of a training, under the same names in all of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

from scaling_search.cost.analytic import count
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.training.history import EpochRecord

Fact = str | int | float | bool


class Tracker(Protocol):
    """Who keeps what a training shows; any method may raise, and then it is told nothing more."""

    @property
    def where(self) -> str:
        """Where its curves are looked at, in words."""

    def begin(self, job: TrainJob, phase: str) -> None:
        """A training is under way, in this phase of the run."""

    def epoch(self, job: TrainJob, record: EpochRecord) -> None:
        """It has ended an epoch."""

    def end(self, job: TrainJob, result: Result) -> None:
        """It has its result."""

    def close(self) -> None:
        """The run ends; a training that has not ended may go on in another one."""


def training_title(job: TrainJob) -> str:
    """What a training is called where it is listed.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.trackers.tracker import training_title
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 3600)
        >>> training_title(TrainJob(nano, *images, Recipe(), epochs=8, seed=0))
        'nano, 16 px, 8 epochs, seed 0'
    """
    px = job.architecture.resolution_px
    return f"{job.architecture.name}, {px} px, {job.epochs} epochs, seed {job.seed}"


def facts(job: TrainJob, phase: str) -> dict[str, Fact]:
    """What is known of a training before it begins: network, cost, images and recipe.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.trackers.tracker import facts
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 3600)
        >>> known = facts(TrainJob(nano, *images, Recipe(), epochs=8, seed=0), "search")
        >>> known["macs"], known["recipe/learning_rate"]
        (206016, 0.1)
    """
    cost = count(job.architecture)
    recipe = asdict(job.recipe)
    return {
        "phase": phase,
        "network": job.architecture.name,
        "resolution_px": job.architecture.resolution_px,
        "macs": cost.macs,
        "params": cost.params,
        "data": job.data.name,
        "train_images": job.train_images,
        "epochs": job.epochs,
        "seed": job.seed,
        "job": job.hash,
        **{f"recipe/{key}": value for key, value in recipe.items() if isinstance(value, Fact)},
    }


def of_epoch(record: EpochRecord) -> dict[str, float]:
    """The numbers of an epoch: losses in nats, top-1 and top-5 as fractions.

    Examples:
        >>> from scaling_search.trackers.tracker import of_epoch
        >>> from scaling_search.training.history import EpochRecord, Scores
        >>> record = EpochRecord(1, 2.5, Scores(loss=2.1, top1=0.4, top5=0.8), train_seconds=9.0)
        >>> of_epoch(record)["validation/top1"]
        0.4
    """
    return {
        "train/loss": record.train_loss,
        "train/seconds": record.train_seconds,
        "validation/loss": record.scores.loss,
        "validation/top1": record.scores.top1,
        "validation/top5": record.scores.top5,
    }


def of_result(result: Result) -> dict[str, float]:
    """The scores that a finished training ends with, test images included where they were read.

    Examples:
        >>> from scaling_search.jobs.result import Diverged
        >>> from scaling_search.trackers.tracker import of_result
        >>> of_result(Diverged("the loss is nan"))
        {}
    """
    if not isinstance(result, Finished):
        return {}
    ending = {"final/validation_top1": result.validation_top1}
    if result.test_top1 is not None:
        ending["final/test_top1"] = result.test_top1
    return ending
