"""What a search is held against, and how what it saves is read off."""

from __future__ import annotations

import importlib
from pathlib import Path
from statistics import fmean
from types import ModuleType

import pandas as pd
import pytest

from scaling_search.search.candidates import Candidate

ROOT = Path(__file__).parent.parent.parent
TABLE = ROOT / "results" / "tabular" / "cifar10-growth-2"
PEER = "every network, 3 seeds"


@pytest.fixture
def search_cost(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("search_cost")


def test_the_peer_trains_every_network_in_full_and_takes_the_best_mean(
    search_cost: ModuleType,
) -> None:
    ground = search_cost.read_ground(TABLE)
    world = search_cost.World(ground.landscape, ground.known, 0)
    found = search_cost.best_mean(ground, world, 3)

    def mean(candidate: Candidate) -> float:
        jobs = (ground.make(candidate.architecture, 8, seed, 1.0) for seed in range(3))
        return fmean(world.result(job).validation_top1 for job in jobs)

    means = list(map(mean, ground.pool))
    assert found.search == PEER
    assert found.mac_images == ground.peer_mac_images
    assert found.regret == world.regret(means.index(max(means)))


def test_a_replayed_search_pays_for_what_it_trained(search_cost: ModuleType) -> None:
    ground = search_cost.read_ground(TABLE)
    world = search_cost.World(ground.landscape, ground.known, 1)
    plan = search_cost.SearchPlan("random", trials=5, rungs=(search_cost.Rung(8),))
    found = search_cost.searched(ground, world, search_cost.Contender("random", 0.05, plan))
    share = found.mac_images / ground.peer_mac_images
    assert share == pytest.approx(5 / (3 * len(ground.pool)), rel=0.06)
    assert found.regret >= 0
    assert 0 <= found.p_within <= 1


def test_what_is_saved_is_read_off_the_cheapest_search_that_is_as_good(
    search_cost: ModuleType,
) -> None:
    columns = ["table", "search", "share", "regret", "low", "high", "n"]
    rows = pd.DataFrame(
        [
            ("t", "every network, 1 seed", 0.33, 0.5, 0.4, 0.6, 9),
            ("t", PEER, 1.0, 0.3, 0.2, 0.4, 9),
            ("t", "gp", 0.05, 0.6, 0.45, 0.75, 9),
            ("t", "adaptive", 0.05, 0.31, 0.2, 0.42, 9),
            ("t", "adaptive", 0.1, 0.2, 0.1, 0.3, 9),
        ],
        columns=columns,
    )
    (claim,) = search_cost.claims(rows)
    assert (claim.peer, claim.goal) == (PEER, 10.0)
    assert (claim.ratio, claim.low, claim.high) == pytest.approx((10.0, 10.0, 20.0))
    assert claim.reached


def test_what_searches_say_of_their_answer_is_counted_over_all_replays(
    search_cost: ModuleType,
) -> None:
    columns = ["table", "search", "named", "within", "p_within"]
    rows = pd.DataFrame(
        [
            ("one", PEER, None, 0.1, None),
            ("one", "gp", 0.9, 0.6, 0.7),
            ("one", "adaptive", 1.0, 0.8, 0.7),
            ("two", "gp", 0.9, 0.5, 0.4),
            ("two", "adaptive", 0.8, 0.5, 0.4),
        ],
        columns=columns,
    )
    said = search_cost.calibration(rows)
    assert "hold the best in 90 % of all replays (by table 85 to 95)" in said
    assert said.endswith("within half a point of the best in 60 %, where 55 was foretold.")
