"""What came of a comparison, as data frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from scaling_search.compare.family import Member
from scaling_search.compare.trainings import Trainings
from scaling_search.core.hashing import digest
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result

RUN_COLUMNS = (
    *("method", "phi", "network", "depth", "width", "resolution", "px", "seed"),
    *("macs", "params", "activations", "growth_target", "growth"),
    *("depth_share", "width_share", "resolution_share"),
    *("rate", "learning_rate", "validation_loss", "validation_top1"),
    *("test_loss", "test_top1", "test_top5", "validation_balanced", "test_balanced"),
    *("train_seconds", "status", "fingerprint", "recipe"),
)
CURVE_COLUMNS = (
    *("method", "phi", "network", "seed", "epoch"),
    *("train_loss", "validation_loss", "validation_top1"),
)
CLASS_COLUMNS = (
    *("class", "method", "phi", "network", "seed"),
    *("validation_images", "validation_right", "test_images", "test_right"),
)
RATE_COLUMNS = (
    *("method", "phi", "network", "rate", "learning_rate", "n", "failed"),
    *("validation_loss", "validation_top1", "chosen"),
)


def runs_frame(trainings: Trainings) -> pd.DataFrame:
    """One row a network and seed of which there is a result, at its best rate.

    Accuracies are fractions; `rate` is a multiple of the recipe's own, `recipe` a digest of what
    the network was trained with, the same for networks that were trained alike.
    """
    rows = [_run(*row) for row in _results(trainings)]
    return pd.DataFrame(rows, columns=list(RUN_COLUMNS))


def curves_frame(trainings: Trainings) -> pd.DataFrame:
    """One row an epoch of every finished training of `runs_frame`."""
    rows = [
        {
            "method": member.method,
            "phi": member.phi,
            "network": member.architecture.name,
            "seed": job.seed,
            "epoch": record.epoch,
            "train_loss": record.train_loss,
            "validation_loss": record.validation_loss,
            "validation_top1": record.validation_top1,
        }
        for member, _, job, result in _results(trainings)
        if isinstance(result, Finished)
        for record in result.history
    ]
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def classes_frame(trainings: Trainings, classes: Sequence[str]) -> pd.DataFrame:
    """One row a class of every finished training of `runs_frame` that counted them; images."""
    rows = [
        {
            "method": member.method,
            "phi": member.phi,
            "network": member.architecture.name,
            "seed": job.seed,
            **row,
        }
        for member, _, job, result in _results(trainings)
        if isinstance(result, Finished)
        for row in class_rows(result, classes)
    ]
    return pd.DataFrame(rows, columns=list(CLASS_COLUMNS))


def class_rows(result: Finished, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Of each class, its images and those that are right, validation and test; none if unknown."""
    counts = {"validation": result.validation_classes, "test": result.test_classes}
    counted = {split: each for split, each in counts.items() if each is not None}
    for index, name in enumerate(classes if counted else ()):
        row: dict[str, Any] = {"class": name}
        for split, each in counted.items():
            there = index < len(each.images)  # the last classes may have no images there
            row[f"{split}_images"] = each.images[index] if there else 0
            row[f"{split}_right"] = each.right[index] if there else 0
        yield row


def rates_frame(trainings: Trainings) -> pd.DataFrame:
    """One row a network and rate that was checked: means over seeds, and which rate is compared."""
    rows = [
        {
            "method": member.method,
            "phi": member.phi,
            "network": member.architecture.name,
            **asdict(tried),
            "chosen": tried.rate == trainings.best_rate(member),
        }
        for member in trainings.members
        for tried in trainings.tried(member)
        if tried.n + tried.failed
    ]
    return pd.DataFrame(rows, columns=list(RATE_COLUMNS))


def _results(trainings: Trainings) -> Iterator[tuple[Member, float, TrainJob, Result]]:
    """Member, rate, job and result of every training that is compared and has ended."""
    for member in trainings.members:
        rate = trainings.best_rate(member)
        for job in trainings.compared(member):
            result = trainings.find(job)
            if result is not None:
                yield member, rate, job, result


def _run(member: Member, rate: float, job: TrainJob, result: Result) -> dict[str, Any]:
    depth_share, width_share, resolution_share = member.shares
    return {
        "method": member.method,
        "phi": member.phi,
        "network": member.architecture.name,
        "depth": member.multipliers.depth,
        "width": member.multipliers.width,
        "resolution": member.multipliers.resolution,
        "px": member.architecture.resolution_px,
        "seed": job.seed,
        "macs": member.cost.macs,
        "params": member.cost.params,
        "activations": member.cost.activations,
        "growth_target": member.growth_target,
        "growth": member.growth,
        "depth_share": depth_share,
        "width_share": width_share,
        "resolution_share": resolution_share,
        "rate": rate,
        "learning_rate": job.recipe.learning_rate,
        **_scores(result),
        "status": result.kind,
        "fingerprint": member.architecture.fingerprint,
        "recipe": digest(job.recipe),
    }


def _scores(result: Result) -> dict[str, float]:
    """What is known of a training that finished; the rest of the frame becomes nan."""
    if not isinstance(result, Finished):
        return {}
    validation, test = result.validation, result.test
    seen = {"validation_loss": validation.loss, "validation_top1": validation.top1}
    if test is not None:
        seen |= {"test_loss": test.loss, "test_top1": test.top1, "test_top5": test.top5}
    counts = {"validation": result.validation_classes, "test": result.test_classes}
    seen |= {f"{k}_balanced": v.balanced_accuracy for k, v in counts.items() if v is not None}
    return seen | {"train_seconds": result.train_seconds}
