"""The events of a small run: two trainings of two epochs, one of which loses its worker."""

from __future__ import annotations

from scaling_search.jobs.executor import Ended, Epoch, Event, Started
from scaling_search.jobs.result import Diverged
from tests.jobs.small import job
from tests.trainings import finished_of, record

FIRST, SECOND = job(epochs=2), job(epochs=2, seed=1, reads_test=True)
JOBS = [FIRST, SECOND]
RECORDS = [record(1, 0.25, train_loss=2.5), record(2, 0.5, train_loss=1.5)]
DONE = finished_of(RECORDS, test=0.75)
DIVERGED = Diverged("the loss of epoch 2 is nan")

EVENTS: list[Event] = [
    Started(FIRST),
    Started(SECOND),
    Epoch(FIRST, RECORDS[0]),
    Epoch(SECOND, RECORDS[0]),
    Started(SECOND),  # in another worker, from its beginning
    Epoch(SECOND, RECORDS[0]),
    Ended(FIRST, DIVERGED),
    Epoch(SECOND, RECORDS[1]),
    Ended(SECOND, DONE),
]
