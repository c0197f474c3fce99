"""The comparison's jobs, and its results as frames."""

from __future__ import annotations

import math

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import family
from scaling_search.compare.frames import comparison_jobs, curves_frame, runs_frame
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import Diverged, Result, TrainJob, job_for
from scaling_search.search.space import Budget
from scaling_search.training.recipe import Recipe
from tests.trainings import finished

INFO = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)
MEMBERS = family(zoo.get("micro"), Coefficients(1.1, 1.2, 1.1), [0.0, 1.0], Budget())


def make(architecture: Architecture, seed: int) -> TrainJob:
    data = (DataRequest(), INFO)
    return job_for(architecture, data, Recipe(), epochs=2, seed=seed, reads_test=True)


def results(job: TrainJob) -> Result | None:
    """Seed 0 finishes, seed 1 diverges, seed 2 is missing."""
    outcomes: list[Result] = [finished(0.4, 0.5, test=0.0), Diverged("the loss is nan")]
    return outcomes[job.seed] if job.seed < 2 else None


def test_there_is_one_job_a_network_and_seed_all_reading_the_test_split() -> None:
    jobs = comparison_jobs(MEMBERS, 3, make)
    assert len(jobs) == 6
    assert all(job.reads_test for job in jobs)


def test_a_network_that_two_methods_share_is_trained_once() -> None:
    assert len(comparison_jobs([*MEMBERS, MEMBERS[1]], 3, make)) == 6


def test_what_failed_has_a_row_with_its_reason_and_what_is_missing_has_none() -> None:
    frame = runs_frame(MEMBERS, 3, make, results)
    assert list(frame["status"]) == ["finished", "diverged"] * 2
    assert list(frame["method"]) == ["base", "base", "compound", "compound"]
    assert math.isnan(frame.loc[1, "test_top1"])


def test_an_accuracy_of_zero_is_a_number() -> None:
    assert runs_frame(MEMBERS, 1, make, results).loc[0, "test_top1"] == 0.0


def test_the_curves_have_a_row_an_epoch_of_what_finished() -> None:
    frame = curves_frame(MEMBERS, 3, make, results)
    assert list(frame["epoch"]) == [1, 2, 1, 2]
    assert list(frame["validation_top1"]) == [0.4, 0.5, 0.4, 0.5]
    assert set(frame["seed"]) == {0}
