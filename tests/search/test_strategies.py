"""One contract that every strategy keeps, and what is particular to each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

import pytest

from scaling_search.arch import zoo
from scaling_search.search.candidates import Candidate, candidates
from scaling_search.search.gp import gp
from scaling_search.search.optuna_strategies import POPULATION, nsga2
from scaling_search.search.pareto import hypervolume
from scaling_search.search.shares import MOST_COVERING, cover
from scaling_search.search.space import Budget, Space
from scaling_search.search.strategies import (
    STRATEGIES,
    TWO_OBJECTIVES,
    Observation,
    StrategyName,
)

POOL = candidates(zoo.get("efficientnet-b0"), Budget(tolerance=0.1, constraint="nominal"), Space())
FLAT = [candidate for candidate in POOL if candidate.coefficients.alpha == 1.0]
NAMES: list[StrategyName] = list(STRATEGIES)
LEARNING: list[StrategyName] = ["tpe", "gp"]
SPOT = (0.2, 0.5, 0.3)
OTHER_SPOT = (0.0, 0.1, 0.9)

every_strategy = pytest.mark.parametrize("name", NAMES)


def quality(candidate: Candidate, top: tuple[float, float, float] = SPOT) -> float:
    """A smooth hill whose top is where half of the growth comes from width."""
    return -sum((share - best) ** 2 for share, best in zip(candidate.shares, top, strict=True))


def trained(index: int, pool: Sequence[Candidate]) -> Observation:
    """Another hill is the cost, so the best of both lies between their tops."""
    return Observation(index, quality(pool[index]), -quality(pool[index], OTHER_SPOT))


def partly_failing(index: int, pool: Sequence[Candidate]) -> Observation:
    """Every third training fails, and of every fourth the cost can't be measured."""
    told = trained(index, pool)
    score = -math.inf if index % 3 == 0 else told.score
    return Observation(index, score, math.inf if index % 4 == 0 else told.cost)


def played(
    name: StrategyName,
    trials: int,
    seed: int,
    told: Sequence[Observation] = (),
    pool: Sequence[Candidate] = POOL,
    result: Callable[[int, Sequence[Candidate]], Observation] = trained,
) -> list[Observation]:
    """What a search that trains one at a time has been told after so many trials."""
    history = list(told)
    while len(history) < trials:
        history.append(result(STRATEGIES[name](pool, history, seed), pool))
    return history


def proposals(told: Sequence[Observation]) -> list[int]:
    return [one.index for one in told]


@every_strategy
def test_it_stays_in_the_pool_and_proposes_nothing_twice(name: StrategyName) -> None:
    assert sorted(proposals(played(name, len(POOL), seed=1))) == list(range(len(POOL)))


@every_strategy
def test_the_same_seed_gives_the_same_proposals(name: StrategyName) -> None:
    assert played(name, 15, seed=3) == played(name, 15, seed=3)


@pytest.mark.parametrize("name", ["random", "tpe", "nsga2"])  # the others draw nothing
def test_another_seed_gives_another_order(name: StrategyName) -> None:
    assert played(name, 15, seed=1) != played(name, 15, seed=2)


@every_strategy
def test_resumed_after_any_trial_it_goes_on_as_if_never_stopped(name: StrategyName) -> None:
    whole = played(name, 14, seed=2)
    for stopped in range(len(whole)):
        assert STRATEGIES[name](POOL, whole[:stopped], 2) == whole[stopped].index


@every_strategy
def test_what_it_is_asked_in_between_changes_no_proposal(name: StrategyName) -> None:
    told = played(name, 9, seed=0)
    before = STRATEGIES[name](POOL, told, 0)
    STRATEGIES[name](FLAT, [], 5)
    assert STRATEGIES[name](POOL, told, 0) == before


@every_strategy
def test_it_goes_on_after_failures(name: StrategyName) -> None:
    told = played(name, len(POOL), seed=0, result=partly_failing)
    assert sorted(proposals(told)) == list(range(len(POOL)))


@every_strategy
def test_it_goes_on_where_every_training_fails(name: StrategyName) -> None:
    told = played(name, 12, seed=0, result=lambda index, _: Observation(index, -math.inf, math.inf))
    assert len(set(proposals(told))) == 12


@every_strategy
def test_beside_trials_still_running_it_proposes_others(name: StrategyName) -> None:
    told = played(name, 10, seed=0)
    for _ in range(8):
        told.append(Observation(STRATEGIES[name](POOL, told, 0), None))
    assert len(set(proposals(told))) == len(told)


@every_strategy
def test_it_goes_on_where_all_trainings_end_alike(name: StrategyName) -> None:
    told = played(name, 12, seed=0, result=lambda index, _: Observation(index, 0.5, 1.0))
    assert len(set(proposals(told))) == 12


@every_strategy
def test_a_pool_of_one_works(name: StrategyName) -> None:
    assert STRATEGIES[name](POOL[:1], [], 0) == 0


@every_strategy
def test_a_pool_whose_candidates_agree_on_an_axis_works(name: StrategyName) -> None:
    told = played(name, len(FLAT), seed=0, pool=FLAT)
    assert sorted(proposals(told)) == list(range(len(FLAT)))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in TWO_OBJECTIVES])
def test_with_one_objective_costs_change_nothing(name: StrategyName) -> None:
    told = played(name, 12, seed=0)
    without = [Observation(one.index, one.score) for one in told]
    assert STRATEGIES[name](POOL, told, 0) == STRATEGIES[name](POOL, without, 0)


@pytest.mark.parametrize("name", LEARNING)
def test_it_finds_better_candidates_than_chance_does(name: StrategyName) -> None:
    top = (0.0, 0.75, 0.25)  # none of those that every search begins with is near
    best = set(sorted(range(len(POOL)), key=lambda index: -quality(POOL[index], top))[:3])

    def result(index: int, pool: Sequence[Candidate]) -> Observation:
        return Observation(index, quality(pool[index], top))

    def found(each: StrategyName) -> int:
        tried = [played(each, 12, seed, result=result) for seed in range(20)]
        return sum(bool(best & set(proposals(told))) for told in tried)

    assert found(name) > found("random") + 5


def test_beside_one_still_running_gp_asks_for_another_place() -> None:
    told = played("gp", 8, seed=0)
    wanted = gp(POOL, told, 0)
    beside = gp(POOL, [*told, Observation(wanted, None)], 0)
    spared = [index for index in range(len(POOL)) if index not in {*proposals(told), wanted}]
    nearest = min(spared, key=lambda i: math.dist(POOL[i].shares, POOL[wanted].shares))
    assert beside != nearest


def test_nsga2_leaves_less_than_half_of_what_chance_does_of_the_front_uncovered() -> None:
    reference = (
        min(quality(candidate) for candidate in POOL),
        max(-quality(candidate, OTHER_SPOT) for candidate in POOL),
    )

    def area(told: Sequence[Observation]) -> float:
        return hypervolume([(one.score or 0.0, one.cost or 0.0) for one in told], reference)

    whole = area([trained(index, POOL) for index in range(len(POOL))])
    left: dict[str, float] = {
        name: fmean(whole - area(played(name, 24, seed)) for seed in range(16))
        for name in ("random", "nsga2")
    }
    assert left["nsga2"] < 0.5 * left["random"]


def test_nsga2_has_the_best_of_all_that_is_known_as_parents() -> None:
    def away(candidate: Candidate) -> float:
        return math.dist(candidate.shares, SPOT)

    order = sorted(range(len(POOL)), key=lambda index: away(POOL[index]))
    near, far = order[:POPULATION], order[-4 * POPULATION :]
    good, bad = (1.0, 1.0), (0.0, 2.0)

    def mean_away(near_is: tuple[float, float], far_is: tuple[float, float]) -> float:
        told = [Observation(i, *near_is) for i in near] + [Observation(i, *far_is) for i in far]
        return fmean(away(POOL[nsga2(POOL, told, seed)]) for seed in range(30))

    assert mean_away(good, bad) < 0.75 * mean_away(bad, good)


def test_a_score_without_its_cost_is_not_learnt_from_yet() -> None:
    told = played("nsga2", 12, seed=0)
    late = [Observation(one.index, one.score) for one in told[-6:]]
    running = [Observation(one.index, None, one.cost) for one in told[-6:]]
    assert nsga2(POOL, [*told[:6], *late], 0) == nsga2(POOL, [*told[:6], *running], 0)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_it_begins_with_what_covers_the_simplex(name: StrategyName) -> None:
    covering = cover([candidate.shares for candidate in POOL])
    assert len(covering) == MOST_COVERING
    assert proposals(played(name, MOST_COVERING, seed=4)) == covering


def test_a_search_of_few_trials_tries_the_pure_axes() -> None:
    pure = [POOL[told.index].shares for told in played("gp", 3, seed=0)]
    assert [max(range(3), key=shares.__getitem__) for shares in pure] == [0, 1, 2]
