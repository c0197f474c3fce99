"""Searches at φ = 1 and at φ = 2 are held against one another at φ = 2, for the same spending."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def search_phi(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("search_phi")


def test_the_committed_tables_of_one_base_belong_together(search_phi: ModuleType) -> None:
    names = [pair.name for pair in search_phi.pairs()]
    assert "cifar10" in names
    assert all((pair.twice / "curves.csv").exists() for pair in search_phi.pairs())


def test_worlds_of_two_tables_are_judged_at_the_larger_phi(search_phi: ModuleType) -> None:
    pair = search_phi.pairs()[0]
    ground = search_phi.read_ground(pair.once, pair.twice)
    world = search_phi.World(ground.landscape, ground.known, 0)
    assert ground.landscape.levels == [(1.0, 3), (1.0, 8), (2.0, 3), (2.0, 8)]
    assert world.truth.shape == (len(ground.pool),)
    assert world.truth.tolist() == world.top1[:, 3].tolist()
    assert world.truth.mean() > world.top1[:, 1].mean()  # networks of twice the cost


def test_each_search_may_spend_the_same(search_phi: ModuleType) -> None:
    pair = search_phi.pairs()[0]
    ground = search_phi.read_ground(pair.once, pair.twice)
    peer, *others = search_phi.contenders(ground, 12)
    assert peer.plan.until.trainings == 12
    assert {rung.phi for rung in peer.plan.rungs} == {1.0}
    # A network of φ = 2 costs about twice one of φ = 1.
    assert all(each.plan.until.trainings == pytest.approx(6, rel=0.1) for each in others)
    assert all(each.plan.target_phi == 2.0 for each in others)


def test_a_ratio_of_regrets_comes_with_its_interval(search_phi: ModuleType) -> None:
    peer, ours = np.array([0.4, 0.6] * 50), np.array([0.2, 0.3] * 50)
    ratio, low, high = search_phi._ratio(peer, ours)
    assert (ratio, low, high) == pytest.approx((2.0, 2.0, 2.0))
