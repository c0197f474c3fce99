"""What a training shows epoch by epoch: its losses, and how its weights score."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from pydantic import TypeAdapter


@dataclass(frozen=True)
class Scores:
    """How weights do on a split: mean cross-entropy in nats, top-1 and top-5 as fractions.

    The loss knows no label smoothing. Of fewer than five classes, top-5 counts them all.
    """

    loss: float
    top1: float
    top5: float


@dataclass(frozen=True)
class ClassCounts:
    """Of each class, in the data set's order: its images in a split, and how many were right.

    Examples:
        >>> from scaling_search.training.history import ClassCounts
        >>> ClassCounts(images=(90, 10), right=(90, 5)).balanced_accuracy
        0.75
    """

    images: tuple[int, ...]
    right: tuple[int, ...]

    @property
    def balanced_accuracy(self) -> float:
        """The mean over the classes of the share that is right, a fraction (scikit-learn's)."""
        pairs = zip(self.right, self.images, strict=True)
        return fmean(right / images for right, images in pairs if images)


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch showed; `train_seconds` is wall time since the training began.

    `validation` are the scores of the weights themselves, `averaged` those of their average, where
    the recipe averages.
    """

    epoch: int
    train_loss: float
    validation: Scores
    train_seconds: float
    averaged: Scores | None = None

    @property
    def scores(self) -> Scores:
        """Those of the weights that the training hands on: the average where there is one."""
        return self.averaged or self.validation

    @property
    def validation_top1(self) -> float:
        """Top-1 of the weights that are handed on, a fraction."""
        return self.scores.top1

    @property
    def validation_loss(self) -> float:
        """Cross-entropy of the weights that are handed on, in nats."""
        return self.scores.loss


_RECORDS = TypeAdapter(EpochRecord)


def epoch_record(values: object) -> EpochRecord:
    """The record that `dataclasses.asdict` made plain; raises pydantic's ValidationError."""
    return _RECORDS.validate_python(values)
