"""Search that spends each training where it is worth most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Diverged, Result
from scaling_search.search.adaptive import START, AdaptiveSearch
from scaling_search.search.plan import Rung, SearchPlan, Until
from scaling_search.search.shares import spread
from scaling_search.search.spending import spent_mac_images
from scaling_search.search.verdict import verdict
from tests.search.test_halving import POOL, make
from tests.trainings import finished

PLAN = SearchPlan(
    "gp", seeds="adaptive", until=Until(trainings=8.0), rungs=(Rung(2), Rung(8, first_seed=3))
)
SHAKE = (0.002, -0.002, 0.001, -0.001)


def by_side(job: TrainJob) -> Result:
    """Finer networks are better, longer trainings too; seeds scatter by a fifth of a point."""
    side = job.architecture.resolution_px / 400
    return finished(0.5 + side + job.epochs / 100 + SHAKE[job.seed % len(SHAKE)])


class Played:
    """A search that trains one at a time until it has enough, or so many."""

    def __init__(
        self, plan: SearchPlan = PLAN, outcome: Callable[[TrainJob], Result] = by_side
    ) -> None:
        self.plan, self.outcome = plan, outcome
        self.results: dict[str, Result] = {}
        self.trained: list[TrainJob] = []

    def search(self) -> AdaptiveSearch:
        return AdaptiveSearch(self.plan, POOL, make, lambda job: self.results.get(job.hash))

    def until(self, most: int = 500) -> Played:
        while len(self.trained) < most and (job := self.search().next_job(())) is not None:
            self.results[job.hash] = self.outcome(job)
            self.trained.append(job)
        return self


@pytest.fixture(scope="module")
def whole() -> Played:
    return Played().until()


def test_it_begins_with_candidates_spread_over_the_simplex_at_the_first_rung(whole: Played) -> None:
    chosen = spread([candidate.shares for candidate in POOL], START)
    first = whole.trained[:START]
    assert [job.architecture for job in first] == [POOL[i].architecture for i in chosen]
    assert {(job.epochs, job.seed) for job in first} == {(2, 0)}


def test_it_spends_what_it_may_and_no_more_than_one_training_beyond(whole: Played) -> None:
    full = sorted(make(c.architecture, 8, 0).mac_images for c in POOL)[len(POOL) // 2]
    spent = spent_mac_images(whole.trained)
    assert 8 * full <= spent <= 9.3 * full
    state = whole.search().state()
    assert state.done
    assert 8 <= state.spent_in_full <= spent / full


def test_the_second_half_goes_to_trainings_in_full(whole: Played) -> None:
    full = sorted(make(c.architecture, 8, 0).mac_images for c in POOL)[len(POOL) // 2]
    for number, job in enumerate(whole.trained):
        if spent_mac_images(whole.trained[:number]) >= 4 * full:
            assert job.epochs == 8


def test_a_ledger_full_of_short_trainings_leaves_half_of_the_budget_for_those_in_full() -> None:
    played = Played()
    short = [make(c.architecture, 2, seed) for c in POOL for seed in range(8)]
    played.results = {job.hash: by_side(job) for job in short}
    full = sorted(make(c.architecture, 8, 0).mac_images for c in POOL)[len(POOL) // 2]
    assert spent_mac_images(short) > 8 * full
    played.until()
    assert {job.epochs for job in played.trained} == {8}
    assert 4 * full <= spent_mac_images(played.trained) <= 5.3 * full


def test_seeds_are_taken_in_order_from_each_rungs_first(whole: Played) -> None:
    by_network: dict[tuple[str, int], list[int]] = {}
    for job in whole.trained:
        by_network.setdefault((job.architecture.fingerprint, job.epochs), []).append(job.seed)
    for (_, epochs), seeds in by_network.items():
        first = 0 if epochs == 2 else 3
        assert seeds == list(range(first, first + len(seeds)))


def test_it_finds_a_good_one_and_trains_it_in_full(whole: Played) -> None:
    found = verdict(whole.search())
    assert found is not None
    winner = next(candidate for candidate in POOL if candidate.name == found.ties[0])
    sides = sorted((c.architecture.resolution_px for c in POOL), reverse=True)
    assert winner.architecture.resolution_px >= sides[len(POOL) // 5]
    assert any(j.architecture == winner.architecture and j.epochs == 8 for j in whole.trained)


def test_stopped_anywhere_it_goes_on_as_if_it_never_had(whole: Played) -> None:
    for stopped in (0, 3, START, START + 3):
        again = Played()
        again.trained = whole.trained[:stopped]
        again.results = {job.hash: by_side(job) for job in again.trained}
        following = again.search().next_job(())
        assert following == whole.trained[stopped]


def test_results_alone_decide_and_not_their_order(whole: Played) -> None:
    again = Played()
    some = whole.trained[: START + 2]
    again.results = {job.hash: by_side(job) for job in reversed(some)}
    assert again.search().next_job(()) == whole.trained[START + 2]


def test_beside_trainings_under_way_it_asks_for_another(whole: Played) -> None:
    again = Played()
    again.results = {job.hash: by_side(job) for job in whole.trained[:START]}
    begun: set[str] = set()
    for _ in range(4):
        job = again.search().next_job(begun)
        assert job is not None
        assert job.hash not in begun
        begun.add(job.hash)


def test_a_candidate_that_fails_is_left_alone(whole: Played) -> None:
    failing = whole.trained[0].architecture

    def fails(job: TrainJob) -> Result:
        return Diverged("nan") if job.architecture == failing else by_side(job)

    played = Played(outcome=fails).until(START + 4)
    assert sum(job.architecture == failing for job in played.trained) == 1
    found = verdict(played.search())
    assert found is not None
    assert POOL[[c.architecture for c in POOL].index(failing)].name not in found.chances


def test_where_everything_fails_it_ends() -> None:
    played = Played(outcome=lambda _: Diverged("nan")).until()
    assert len(played.trained) == START
    assert verdict(played.search()) is None


def test_it_stops_once_the_expected_regret_is_small_enough() -> None:
    plan = replace(PLAN, until=Until(trainings=100.0, regret_points=2.0))
    played = Played(plan).until(60)
    assert played.search().state().done
    found = verdict(played.search())
    assert found is not None
    assert found.expected_regret_points <= 2.0


def test_it_stops_once_the_winner_is_surely_near_the_best() -> None:
    plan = replace(PLAN, until=Until(trainings=100.0, p_best=0.5, within_points=3.0))
    played = Played(plan).until(60)
    assert played.search().state().done
    assert len(played.trained) < 60


def test_it_stops_after_so_many_hours_of_training() -> None:
    plan = replace(PLAN, until=Until(trainings=100.0, hours=8 / 3600))
    assert len(Played(plan).until(60).trained) == 8  # of a second each
