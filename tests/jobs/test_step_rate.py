"""What a training's steps take: by a clock that is given, and in processes side by side."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count as numbers
from pathlib import Path

import pytest

from scaling_search.cost.custom_network import custom_network
from scaling_search.data.load import describe
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.step_rate import ReadSeconds, StepRate, endless, measure_steps
from scaling_search.jobs.step_rate_copies import Copies, pooled
from tests.tiny import TINY

BATCH = TINY.recipe.batch_size


def ticking(seconds: float = 1.0) -> ReadSeconds:
    """A clock that goes on by so much whenever it is read."""
    ticks = numbers()
    return lambda: seconds * next(ticks)


@pytest.fixture(scope="module")
def job() -> TrainJob:
    experiment = Experiment(TINY, describe(TINY.data))
    return experiment.compare_job(experiment.base, 0)


def test_a_step_of_a_second_gives_a_batchth_an_image(job: TrainJob) -> None:
    rate = measure_steps(job, "cpu", ticking(), 10.0)
    assert rate.train == (1 / BATCH,) * 5  # ten steps in five blocks
    assert rate.failure == ""


def test_scoring_takes_a_third_of_the_time_at_most(job: TrainJob) -> None:
    # A tick for all of it: at 1/32 s an image in training 3.3 s are those of 320, of which 40 are.
    assert measure_steps(job, "cpu", ticking(), 10.0).score == (1 / 40,)


def test_two_steps_are_taken_however_long_they_are(job: TrainJob) -> None:
    assert measure_steps(job, "cpu", ticking(1000.0), 10.0).train == (1000 / BATCH,) * 2


def test_the_others_are_waited_for_before_any_step_is_timed(job: TrainJob) -> None:
    said: list[float] = []
    clock = ticking()
    rate = measure_steps(job, "cpu", clock, 2.0, on_warm=lambda: said.extend([clock()] * 2))
    assert len(said) == 2  # once
    assert rate.train == (1 / BATCH,) * 2


def test_what_is_measured_has_no_end_and_whole_images(job: TrainJob) -> None:
    growing = replace(job, recipe=replace(job.recipe, progressive_from=0.5))
    measured = endless(growing)
    assert measured.epochs > 100_000
    assert measured.recipe.side_px_at(0, measured.epochs, 16) == 16
    assert not measured.reads_test


def test_copies_measure_several_trainings_in_turn(job: TrainJob) -> None:
    with Copies(2, "cpu", {}) as copies:
        rates = [copies.measure(job, 0.2), copies.measure(job, 0.2)]
    for rate in rates:
        assert rate.failure == ""
        assert len(rate.score) == 2
        assert len(rate.train) >= 4
        assert min(rate.train) > 0


def test_a_training_that_comes_to_no_step_says_why(job: TrainJob) -> None:
    gone = replace(job, data=replace(job.data, name="cifar10", root="/nowhere"))
    with Copies(2, "cpu", {}) as copies:
        assert "cifar10 needs /nowhere/" in copies.measure(gone, 0.2).failure
        assert copies.measure(job, 0.2).train  # the processes go on


def test_a_copy_that_dies_is_a_failure_with_its_last_words(job: TrainJob) -> None:
    with Copies(1, "cpu", {"OMP_NUM_THREADS": "1", "PYTHONHOME": "/nowhere"}) as copies:
        assert copies.measure(job, 0.2).failure.startswith("its process ended, saying ")


def test_the_words_of_a_copy_that_fails_by_an_exception_are_waited_for(
    job: TrainJob, tmp_path: Path
) -> None:
    # It ends its part of the pipe, and only then comes to its traceback.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, time, traceback\n"
        "def late(*error):\n"
        "    time.sleep(1)\n"
        "    traceback.print_exception(*error)\n"
        "sys.excepthook = late\n"
    )
    faulty = custom_network(
        "tests.own_network:fails_in_training", resolution_px=16, in_channels=1, num_classes=20
    )
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    with Copies(1, "cpu", {"PYTHONPATH": path}) as copies:
        failure = copies.measure(replace(job, architecture=faulty), 0.2).failure
    assert failure == "its process ended, saying KeyError: 'the key that nobody gave'"


def test_a_copy_that_is_dead_before_its_order_is_a_failure_too(job: TrainJob) -> None:
    with Copies(1, "cpu", {"PYTHONHOME": "/nowhere"}) as copies:
        (copy,) = copies._copies
        os.waitid(os.P_PID, copy._process.pid, os.WEXITED | os.WNOWAIT)
        assert copies.measure(job, 0.2).failure.startswith("its process ended, saying ")


def test_a_failure_of_one_is_that_of_all() -> None:
    assert pooled([StepRate((1.0,)), StepRate(failure="no memory")]).failure == "no memory"
