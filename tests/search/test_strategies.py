"""One contract that every strategy keeps, and what is particular to each."""

from __future__ import annotations

import math

import pytest

from scaling_search.arch import zoo
from scaling_search.search.candidates import Candidate, candidates
from scaling_search.search.space import Budget, Space
from scaling_search.search.strategies import STRATEGIES, StrategyName, Told, shares

POOL = candidates(zoo.get("efficientnet-b0"), Budget(tolerance=0.1, constraint="nominal"), Space())
NAMES: list[StrategyName] = list(STRATEGIES)


def quality(candidate: Candidate) -> float:
    """A smooth hill whose top is where half of the growth comes from width."""
    depth, width, resolution = shares(candidate)
    return -((depth - 0.2) ** 2) - (width - 0.5) ** 2 - (resolution - 0.3) ** 2


def played(name: StrategyName, trials: int, seed: int, told: tuple[Told, ...] = ()) -> list[int]:
    """The proposals of a search in which everything trains."""
    history = list(told)
    while len(history) < trials:
        index = STRATEGIES[name](POOL, history, seed)
        history.append(Told(index, quality(POOL[index])))
    return [one.index for one in history]


@pytest.mark.parametrize("name", NAMES)
def test_it_stays_in_the_pool_and_proposes_nothing_twice(name: StrategyName) -> None:
    assert sorted(played(name, len(POOL), seed=1)) == list(range(len(POOL)))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_proposals(name: StrategyName) -> None:
    assert played(name, 15, seed=3) == played(name, 15, seed=3)


@pytest.mark.parametrize("name", NAMES)
def test_resumed_after_some_trials_it_goes_on_as_if_never_stopped(name: StrategyName) -> None:
    whole = played(name, 14, seed=2)
    told = tuple(Told(index, quality(POOL[index])) for index in whole[:8])
    assert played(name, 14, seed=2, told=told) == whole


@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_after_failures_and_beside_trials_still_running(name: StrategyName) -> None:
    told = [Told(0, -math.inf), Told(1, None), Told(2, 0.5), Told(3, -math.inf)]
    assert STRATEGIES[name](POOL, told, 0) not in {0, 1, 2, 3}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "grid"])
def test_another_seed_gives_another_order(name: StrategyName) -> None:
    assert played(name, 15, seed=1) != played(name, 15, seed=2)


def test_tpe_finds_better_candidates_than_chance_does() -> None:
    best = sorted(range(len(POOL)), key=lambda index: -quality(POOL[index]))[:3]
    found = {
        name: sum(bool(set(best) & set(played(name, 20, seed))) for seed in range(20))
        for name in ("random", "tpe")
    }
    assert found["tpe"] > found["random"]


def test_tpe_works_where_all_candidates_agree_on_an_axis() -> None:
    flat = [candidate for candidate in POOL if candidate.coefficients.alpha == 1.0]
    assert STRATEGIES["tpe"](flat, [Told(0, 0.5)], 0) in range(1, len(flat))


def test_the_shares_of_a_nominal_doubling_add_up_to_one() -> None:
    for candidate in POOL:
        total = sum(shares(candidate))
        assert total == pytest.approx(math.log2(candidate.coefficients.nominal_growth))
