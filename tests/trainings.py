"""Results of trainings that never ran, for tests of what is made of results."""

from __future__ import annotations

from collections.abc import Sequence

from scaling_search.jobs.result import Finished
from scaling_search.training.history import EpochRecord, Scores


def scores(top1: float) -> Scores:
    """Scores whose top-1 is this, the rest in keeping with it."""
    return Scores(loss=2.5 * (1 - top1), top1=top1, top5=(1 + top1) / 2)


def record(epoch: int, top1: float, train_loss: float = 1.0, seconds: float = 1.0) -> EpochRecord:
    """An epoch that ended with this top-1."""
    return EpochRecord(epoch, train_loss, scores(top1), seconds)


def finished(*top1: float, test: float | None = None, seconds: float = 1.0) -> Finished:
    """A training of one epoch a number, each the top-1 that the epoch ended with."""
    return finished_of(
        [record(n, each, seconds=n * seconds) for n, each in enumerate(top1, 1)], test
    )


def finished_of(history: Sequence[EpochRecord], test: float | None = None) -> Finished:
    """A training with these epochs."""
    return Finished(tuple(history), None if test is None else scores(test))
