"""The peers of the knowledge gradient: which training each rule takes next."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scaling_search.search.curve_gp import SeedScores
from scaling_search.search.curve_kernel import Level
from scaling_search.search.knowledge_gradient import Option, Waiting

ROOT = Path(__file__).parent.parent.parent
SHARES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.4, 0.3, 0.3]])
OPTIONS = [Option(candidate, Level(), 1.0) for candidate in range(4)]


@pytest.fixture
def allocations(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("allocations")


def rows(*means: float, seeds: int = 3) -> list[SeedScores]:
    """Trainings in full of each candidate, half a point about its mean."""
    scatter = np.linspace(-0.5, 0.5, seeds)
    return [
        SeedScores(candidate, Level(), dict(enumerate((mean + scatter).tolist())))
        for candidate, mean in enumerate(means)
    ]


@pytest.mark.parametrize("rule", ["top_two", "ocba"])
def test_the_two_that_may_be_the_best_are_told_apart_first(
    allocations: ModuleType, rule: str
) -> None:
    chosen = getattr(allocations, rule)(SHARES, rows(50.0, 49.9, 40.0, 30.0), [], OPTIONS)
    assert OPTIONS[chosen].candidate in {0, 1}


def test_ocba_trains_the_one_that_has_fewer_seeds_than_its_share(allocations: ModuleType) -> None:
    few = [*rows(50.0, 49.9, 40.0, 30.0, seeds=5)]
    few[1] = SeedScores(1, Level(), {0: 49.9})
    assert allocations.ocba(SHARES, few, [], OPTIONS) == 1


def test_what_is_under_way_counts(allocations: ModuleType) -> None:
    few = [*rows(50.0, 49.9, 40.0, 30.0, seeds=5)]
    few[1] = SeedScores(1, Level(), {0: 49.9})
    under_way = [Waiting(1, Level(), seed) for seed in range(1, 20)]
    assert allocations.ocba(SHARES, few, under_way, OPTIONS) == 0


def test_the_options_place_is_found_among_shorter_ones(allocations: ModuleType) -> None:
    mixed = [Option(candidate, Level(1.0), 0.5) for candidate in range(4)] + OPTIONS
    assert allocations.ocba(SHARES, rows(50.0, 49.9, 40.0, 30.0), [], mixed) in {4, 5}
