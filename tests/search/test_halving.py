"""The search as a pure function of results: what is proposed, promoted and still missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count as numbers

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.jobs.result import Diverged, Result
from scaling_search.search.candidates import candidates
from scaling_search.search.halving import HalvingSearch
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.search import SearchState
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.search.strategies import StrategyName
from scaling_search.training.recipe import Recipe
from tests.trainings import finished

SPACE = Space(Axis(1, 2, 0.5), Axis(1, 1.5, 0.1), Axis(1, 1.5, 0.1))
POOL = candidates(zoo.get("micro"), Budget(tolerance=0.2), SPACE)
INFO = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)


def make(network: Network, epochs: int, seed: int, phi: float = 1.0) -> TrainJob:
    return job_for(network, (DataRequest(), INFO), Recipe(), epochs=epochs, seed=seed)


class World:
    """Results by job hash, and how a training comes out."""

    def __init__(self, outcome: Callable[[TrainJob], Result]) -> None:
        self.results: dict[str, Result] = {}
        self.outcome = outcome
        self.trained: list[TrainJob] = []

    def find(self, job: TrainJob) -> Result | None:
        return self.results.get(job.hash)

    def train(self, jobs: tuple[TrainJob, ...]) -> None:
        for job in jobs:
            self.results[job.hash] = self.outcome(job)
            self.trained.append(job)

    def of(self, plan: SearchPlan) -> HalvingSearch:
        """A search that remembers nothing yet."""
        return HalvingSearch(plan, POOL, make, self.find)

    def search(self, plan: SearchPlan, most: int = 1000) -> SearchState:
        for _ in numbers():
            step = self.of(plan).state()
            if step.done or len(self.trained) >= most:
                return step
            self.train(step.missing)
        raise AssertionError


def by_side(job: TrainJob) -> Result:
    """Finer networks are better, and a longer training adds to all alike."""
    side, epochs = job.architecture.resolution_px, job.epochs
    return finished(side / 100 + epochs / 1000 + job.seed / 10_000)


def test_the_grid_asks_for_every_candidate_at_once() -> None:
    step = World(by_side).of(SearchPlan("grid", rungs=(Rung(2),))).state()
    assert len(step.missing) == len(POOL)
    assert step.rungs == (tuple(range(len(POOL))),)


def test_tpe_asks_for_one_batch_and_then_for_the_next() -> None:
    world, plan = World(by_side), SearchPlan("tpe", trials=6, batch=2, rungs=(Rung(2, seeds=2),))
    first = world.of(plan).state()
    assert len(first.missing) == 4  # two candidates, two seeds
    world.train(first.missing)
    second = world.of(plan).state()
    assert second.rungs[0][:2] == first.rungs[0]
    assert len(second.rungs[0]) == 4


def test_the_better_part_goes_on_to_the_longer_rung_with_more_seeds() -> None:
    world, plan = World(by_side), SearchPlan("grid", rungs=(Rung(2, 1, keep=0.3), Rung(5, 3)))
    step = world.search(plan)
    kept = -(-len(POOL) * 3 // 10)
    best = sorted((c.architecture.resolution_px for c in POOL), reverse=True)[:kept]
    sides = [POOL[index].architecture.resolution_px for index in step.rungs[1]]
    assert sides == best
    assert len(world.trained) == len(POOL) + 3 * kept


def test_a_failed_candidate_ranks_worst_and_the_search_goes_on() -> None:
    def finest_diverges(job: TrainJob) -> Result:
        finest = max(c.architecture.resolution_px for c in POOL)
        return Diverged("nan") if job.architecture.resolution_px == finest else by_side(job)

    step = World(finest_diverges).search(SearchPlan("grid", rungs=(Rung(2, 1, keep=0.9), Rung(5))))
    finest = max(c.architecture.resolution_px for c in POOL)
    assert step.done
    assert finest not in {POOL[i].architecture.resolution_px for i in step.rungs[1]}


def test_when_everything_fails_the_search_ends_without_finalists() -> None:
    step = World(lambda _: Diverged("nan")).search(SearchPlan("grid", rungs=(Rung(2), Rung(5))))
    assert step.done
    assert step.rungs[1] == ()


@pytest.mark.parametrize("strategy", ["grid", "random", "tpe"])
def test_stopped_anywhere_and_asked_again_it_trains_the_same_and_nothing_twice(
    strategy: StrategyName,
) -> None:
    plan = SearchPlan(strategy, trials=8, seed=4, rungs=(Rung(2), Rung(5, 2)))
    whole = World(by_side)
    whole.search(plan)
    for most in (1, 3, 7, 9):
        stopped = World(by_side)
        stopped.search(plan, most)
        stopped.search(plan)
        assert [j.hash for j in stopped.trained] == [j.hash for j in whole.trained]
        assert len({j.hash for j in stopped.trained}) == len(stopped.trained)


def test_a_last_rung_of_fresh_seeds_judges_the_finalists_by_none_that_chose_them() -> None:
    world = World(by_side)
    rungs = (Rung(2), Rung(5, keep=0.2), Rung(5, seeds=2, first_seed=1))
    step = world.search(SearchPlan(rungs=rungs))
    last = [job for job in world.trained if job.epochs == 5 and job.seed > 0]
    assert {job.seed for job in last} == {1, 2}
    assert len(last) == 2 * len(step.rungs[2])


ASYNCHRONOUS = SearchPlan(asynchronous=True, rungs=(Rung(2, keep=0.25), Rung(4, keep=0.5), Rung(8)))


def test_an_asynchronous_search_promotes_before_the_rung_is_full() -> None:
    world = World(by_side)
    first = world.of(ASYNCHRONOUS).state()
    world.train(first.missing[:4])
    step = world.of(ASYNCHRONOUS).state()
    assert len(step.rungs[1]) == 1  # a quarter of four
    assert step.missing[0].epochs == 4


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_asynchronous_search_ends_with_all_that_a_synchronous_one_would_promote(
    workers: int,
) -> None:
    world = World(by_side)
    while missing := world.of(ASYNCHRONOUS).state().missing:
        world.train(missing[:workers])
    patient = World(by_side).search(replace(ASYNCHRONOUS, asynchronous=False))
    reached = world.of(ASYNCHRONOUS).state().rungs
    assert all(set(early) >= set(late) for early, late in zip(reached, patient.rungs, strict=True))
    assert len({job.hash for job in world.trained}) == len(world.trained)


def test_who_was_promoted_early_stays_promoted_when_better_ones_come() -> None:
    world = World(by_side)
    while missing := world.of(ASYNCHRONOUS).state().missing:
        world.train(missing[-1:] if len(world.trained) < 4 else missing[:1])
    long = {job.architecture.fingerprint for job in world.trained if job.epochs == 4}
    step = world.of(ASYNCHRONOUS).state()
    assert {POOL[i].architecture.fingerprint for i in step.rungs[1]} == long


def test_a_search_never_asks_for_the_test_split() -> None:
    world = World(by_side)
    world.search(SearchPlan("tpe", trials=6, rungs=(Rung(2), Rung(4, 2))))
    assert not any(job.reads_test for job in world.trained)


def test_more_trials_than_candidates_train_each_once() -> None:
    world = World(by_side)
    world.search(SearchPlan("random", trials=10_000, rungs=(Rung(1),)))
    assert len(world.trained) == len(POOL)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Rung(0),
        lambda: Rung(1, seeds=0),
        lambda: Rung(1, keep=0.0),
        lambda: SearchPlan(trials=0),
        lambda: SearchPlan(batch=0),
        lambda: SearchPlan(rungs=()),
        lambda: SearchPlan(rungs=(Rung(3), Rung(3))),
        lambda: SearchPlan(rungs=(Rung(3, first_seed=1), Rung(2, first_seed=2))),
        lambda: Rung(3, first_seed=-1),
    ],
)
def test_a_plan_out_of_range_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UserError, match="got"):
        wrong()
