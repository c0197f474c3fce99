"""What is measured of a training that a machine has little room or time for."""

from __future__ import annotations

from dataclasses import replace
from itertools import count as numbers

import pytest

from scaling_search.cost.analytic import count
from scaling_search.data.load import describe
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.plan import Capacity
from scaling_search.experiment.rate_probe import MEMORY_SHARE, Probe
from scaling_search.experiment.training_memory import training_memory
from scaling_search.jobs.job import TrainJob
from tests.tiny import TINY


@pytest.fixture(scope="module")
def job() -> TrainJob:
    experiment = Experiment(TINY, describe(TINY.data))
    return experiment.compare_job(experiment.base, 0)


def probe(said: list[str], memory_bytes: int = 1 << 40) -> Probe:
    ticks = numbers()
    capacity = Capacity("cpu", "a CPU", 1, 1, memory_bytes, 1 << 40)
    return Probe(capacity, said.append, clock=lambda: float(next(ticks)), seconds=2.0)


def test_a_training_is_measured_on_a_part_of_its_batch(job: TrainJob) -> None:
    said: list[str] = []
    parted = replace(job, recipe=replace(job.recipe, accumulate=4))
    rates = probe(said).rates([parted])
    assert rates is not None
    (measured,) = rates.measured
    assert measured.macs == count(job.architecture).macs
    assert measured.rate.train == (1 / 8, 1 / 8)  # a second a step of 32 images in 4 parts
    assert said == ["measuring the steps of 1 training"]


def test_where_memory_is_short_the_batch_is_halved_and_that_is_said(job: TrainJob) -> None:
    said: list[str] = []
    taken = training_memory(job)
    assert taken is not None
    rates = probe(said, int(0.99 * taken / MEMORY_SHARE)).rates([job])
    assert rates is not None
    assert rates.measured[0].rate.train == (1 / 16, 1 / 16)
    assert said[-1] == f"{job.architecture.name} is measured at a batch of 16 instead of 32"


def test_what_does_not_fit_at_all_is_left_out_and_said(job: TrainJob) -> None:
    said: list[str] = []
    assert probe(said, 1).rates([job]) is None
    assert "its step needs more memory than there is" in said[-1]


def test_nothing_left_is_nothing_measured() -> None:
    said: list[str] = []
    assert probe(said).rates([]) is None
    assert said == []
