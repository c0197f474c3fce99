"""What a search is held against, and how what it saves is read off."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from scaling_search.search.replay import World

ROOT = Path(__file__).parent.parent.parent
COLUMNS = ["table", "route", "strategy", "trials", "cost", "regret", "low", "high", "n"]


@pytest.fixture
def search_cost(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("search_cost")


def test_the_papers_way_trains_every_grid_point_and_takes_the_best(
    search_cost: ModuleType,
) -> None:
    table = search_cost.read_table(ROOT / "results" / "tabular" / "tiny-imagenet-20-2")
    world = World(table.ground, table.known, seed=0)
    found = search_cost.every_point(table, world, 8)
    jobs = [
        (table.make(candidate, 8, seed), candidate)
        for candidate in table.pool
        for seed in range(candidate.points)
    ]
    assert found.trials == len(jobs) == 107
    assert found.mac_images == pytest.approx(sum(job.mac_images for job, _ in jobs), rel=1e-6)
    _, best = max(jobs, key=lambda one: world.result(one[0]).validation_top1)
    assert found.regret == table.ground.regret(best.name)


def test_what_is_saved_is_read_off_the_cheapest_search_that_is_as_good(
    search_cost: ModuleType,
) -> None:
    rows = pd.DataFrame(
        [
            ("t", "every grid point", "grid", 90, 1000, 0.5, 0.4, 0.6, 9),
            ("t", "every network, 1 seed", "grid", 40, 400, 0.3, 0.2, 0.4, 9),
            ("t", "every network, 3 seeds", "grid", 40, 1200, 0.2, 0.1, 0.3, 9),
            ("t", "halving", "gp", 12, 50, 0.6, 0.45, 0.75, 9),
            ("t", "halving", "gp", 24, 100, 0.4, 0.25, 0.55, 9),
        ],
        columns=COLUMNS,
    )
    tenth, paper, network = search_cost.claims(rows)
    assert (tenth.peer, tenth.ratio, tenth.reached) == ("every grid point", 0.0, False)
    assert (paper.ratio, paper.low, paper.high, paper.reached) == (10.0, 0.0, 20.0, True)
    assert (network.peer, network.ratio, network.high) == ("every network, 1 seed", 0.0, 4.0)
