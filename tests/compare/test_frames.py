"""The comparison's results as frames."""

from __future__ import annotations

import math
from dataclasses import replace

from scaling_search.arch.protocol import Network
from scaling_search.compare.frames import curves_frame, rates_frame, runs_frame
from scaling_search.compare.trainings import Trainings
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Result
from tests.compare.test_trainings import MEMBERS, make, trainings
from tests.trainings import finished


def results(job: TrainJob) -> Result | None:
    """Seed 0 finishes, seed 1 diverges, seed 2 is missing."""
    outcomes: list[Result] = [finished(0.4, 0.5, test=0.0), Diverged("the loss is nan")]
    return outcomes[job.seed] if job.seed < 2 else None


THREE_SEEDS = Trainings(MEMBERS, range(3), make, results)


def test_what_failed_has_a_row_with_its_reason_and_what_is_missing_has_none() -> None:
    frame = runs_frame(THREE_SEEDS)
    assert list(frame["status"]) == ["finished", "diverged"] * 2
    assert list(frame["method"]) == ["base", "base", "compound", "compound"]
    assert math.isnan(frame["test_top1"].iloc[1])


def test_an_accuracy_of_zero_is_a_number() -> None:
    assert runs_frame(THREE_SEEDS).loc[0, "test_top1"] == 0.0


def test_a_row_says_how_the_growth_is_shared_and_what_trained_it() -> None:
    row = runs_frame(THREE_SEEDS).iloc[2]
    assert tuple(row[[f"{axis}_share" for axis in ("depth", "width", "resolution")]]) == (
        MEMBERS[1].shares
    )
    assert (row["rate"], row["learning_rate"]) == (1.0, 0.2)
    fast = runs_frame(replace(THREE_SEEDS, make=_twice_as_fast)).iloc[2]
    assert row["recipe"] != fast["recipe"]
    assert row["fingerprint"] == fast["fingerprint"]


def _twice_as_fast(
    network: Network, seed: int, phi: float, rate: float, reads_test: bool
) -> TrainJob:
    job = make(network, seed, phi, rate, reads_test)
    return replace(job, recipe=job.recipe.at_rate(2.0))


def test_the_curves_have_a_row_an_epoch_of_what_finished() -> None:
    frame = curves_frame(THREE_SEEDS)
    assert list(frame["epoch"]) == [1, 2, 1, 2]
    assert list(frame["validation_top1"]) == [0.4, 0.5, 0.4, 0.5]
    assert set(frame["seed"]) == {0}


def test_the_runs_are_those_at_each_networks_best_rate() -> None:
    frame = runs_frame(trainings({0.5: 1.2, 1.0: 1.0, 2.0: 0.8}))
    assert set(frame["rate"]) == {2.0}
    assert set(frame["learning_rate"]) == {0.4}
    assert set(frame["test_top1"]) == {0.5}


def test_the_rates_have_a_row_a_network_and_rate_with_the_chosen_one() -> None:
    frame = rates_frame(trainings({0.5: 1.2, 1.0: 1.0, 2.0: 0.8}))
    assert list(frame["rate"]) == [0.5, 1.0, 2.0] * 2
    assert list(frame["chosen"]) == [False, False, True] * 2
    assert list(frame["n"]) == [2] * 6


def test_rates_that_nothing_was_trained_at_have_no_row() -> None:
    assert len(rates_frame(trainings({1.0: 1.0}))) == 2
