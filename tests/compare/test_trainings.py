"""The comparison's jobs, and the rate that each network is compared at."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member, family
from scaling_search.compare.trainings import Trainings
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.jobs.result import Diverged, Finished, Result
from scaling_search.search.space import Budget
from scaling_search.training.history import EpochRecord, Scores
from scaling_search.training.recipe import Recipe

INFO = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)
MEMBERS = family(zoo.get("micro"), Coefficients(1.1, 1.2, 1.1), [0.0, 1.0], Budget())
BASE, COMPOUND = MEMBERS
RECIPE = Recipe(learning_rate=0.2)
RATES = (0.5, 1.0, 2.0)
SEEDS = range(1000, 1002)


def make(network: Network, seed: int, phi: float, rate: float, reads_test: bool) -> TrainJob:
    recipe = RECIPE.at_phi(phi).at_rate(rate)
    return job_for(
        network, (DataRequest(), INFO), recipe, epochs=2, seed=seed, reads_test=reads_test
    )


def ended(loss: float, test: float | None) -> Finished:
    of_test = None if test is None else Scores(1.0, test, 1.0)
    return Finished((EpochRecord(1, 1.0, Scores(loss, 0.5, 0.9), 1.0),), of_test)


def trainings(
    losses: Mapping[float, float] | None = None,
    rates: tuple[float, ...] = RATES,
    members: tuple[Member, ...] = MEMBERS,
) -> Trainings:
    """Of a network whose loss by multiple of the rate is this, nan: it diverges."""

    def find(job: TrainJob) -> Result | None:
        rate = job.recipe.learning_rate / RECIPE.learning_rate
        loss = (losses or {}).get(rate)
        if loss is None:
            return None
        failed = loss != loss and job.seed == SEEDS[0]
        if failed:
            return Diverged("the loss is nan")
        return ended(0.1 if loss != loss else loss, 0.5 if job.reads_test else None)

    return Trainings(members, SEEDS, make, find, rates)


def test_there_is_one_job_a_network_and_seed_all_reading_the_test_split() -> None:
    jobs = trainings(rates=(1.0,)).first()
    assert len(jobs) == 4
    assert all(job.reads_test for job in jobs)
    assert {job.seed for job in jobs} == {1000, 1001}


def test_a_network_that_two_methods_share_is_trained_once() -> None:
    members = (*MEMBERS, COMPOUND)
    assert len(trainings(rates=(1.0,), members=members).first()) == 4


def test_every_rate_is_trained_and_the_others_never_read_the_test_split() -> None:
    jobs = trainings().first()
    assert len(jobs) == 2 * 2 * 3
    rates = {job.recipe.learning_rate for job in jobs}
    assert rates == {0.1, 0.2, 0.4}
    assert {job.recipe.learning_rate for job in jobs if job.reads_test} == {0.2}


def test_at_once_the_recipes_rate_it_is_the_job_of_a_comparison_without_a_check() -> None:
    plain, checked = (
        {job.hash for job in each.first()} for each in (trainings(rates=(1.0,)), trainings())
    )
    assert plain < checked


def test_the_rate_of_least_validation_loss_is_compared_and_then_reads_the_test_split() -> None:
    compared = trainings({0.5: 1.2, 1.0: 1.0, 2.0: 0.8})
    assert compared.best_rate(COMPOUND) == 2.0
    jobs = compared.scored()
    assert {(job.recipe.learning_rate, job.reads_test) for job in jobs} == {(0.4, True)}
    # The same training as the one that did not read the test split, so it goes on from its end.
    before = {job.own_hash for job in compared.first()}
    assert {job.own_hash for job in jobs} < before


def test_a_rate_at_which_trainings_fail_is_not_chosen_however_low_the_others_loss() -> None:
    failing = trainings({0.5: 1.2, 1.0: 1.0, 2.0: float("nan")})
    assert failing.tried(BASE)[2].failed == 1
    assert failing.tried(BASE)[2].validation_loss == pytest.approx(0.1)
    assert failing.best_rate(BASE) == 1.0


def test_until_anything_has_ended_the_rate_is_the_recipes_own() -> None:
    assert trainings().best_rate(BASE) == 1.0
    assert all(job.recipe == RECIPE for job in trainings().scored())


def test_what_was_tried_has_means_over_the_seeds() -> None:
    (tried, *_) = trainings({0.5: 1.25, 1.0: 1.0, 2.0: 1.5}).tried(BASE)
    assert (tried.rate, tried.learning_rate, tried.n, tried.failed) == (0.5, 0.1, 2, 0)
    assert (tried.validation_loss, tried.validation_top1) == (1.25, 0.5)
