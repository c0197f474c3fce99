"""Jobs that take a tenth of a second an epoch: the micro network on 180 images of 8 px."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaling_search.arch import zoo
from scaling_search.data.request import DataRequest
from scaling_search.jobs.executor import Ended, Event
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Finished
from scaling_search.training.recipe import Recipe
from tests.trainings import finished_of, record

NETWORK = replace(zoo.get("micro"), resolution_px=8)
DATA = DataRequest(train_images=200, test_images=40)
RECIPE = Recipe(batch_size=30)
STEPS_PER_EPOCH = 6
JOB = TrainJob(
    architecture=NETWORK,
    data=DATA,
    images="0123456789abcdef",
    train_images=180,
    recipe=RECIPE,
    epochs=1,
    seed=0,
)
ENDLESS = 100_000  # epochs: hours
PATIENCE_SECONDS = 300.0  # a bound, never awaited
FINISHED = finished_of([record(1, 0.25, train_loss=2.5, seconds=3.0)])


def job(**changes: Any) -> TrainJob:
    """The small job with other fields."""
    return replace(JOB, **changes)


def place(folder: Path) -> Place:
    """The CPU, with checkpoints under this folder."""
    return Place("cpu", str(folder / "checkpoints"))


def without_times(finished: object) -> Finished:
    """A finished result whose wall seconds are zero, to be compared."""
    assert isinstance(finished, Finished), finished
    history = tuple(replace(record, train_seconds=0.0) for record in finished.history)
    return replace(finished, history=history)


def ended(events: list[Event]) -> list[Ended]:
    return [event for event in events if isinstance(event, Ended)]


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def gone(pid: int) -> bool:
    """Whether the process has ended, reaped by its new parent or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
