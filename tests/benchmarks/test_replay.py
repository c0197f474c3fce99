"""Replays on a table: how worlds are drawn, and what is true in one."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scaling_search.core.errors import UserError
from scaling_search.search.search import Grow
from tests.search.test_halving import POOL, make

ROOT = Path(__file__).parent.parent.parent
LENGTHS = (2, 4)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("replay")


def curves(noise: float, seeds: int = 3) -> pd.DataFrame:
    """The last epochs of trainings: the finer the better, and the longer."""
    rng = np.random.default_rng(0)
    rows = []
    for candidate in POOL:
        for seed in range(seeds):
            for epochs in LENGTHS:
                luck = rng.normal(0, noise)
                top1 = candidate.architecture.resolution_px / 100 + epochs / 100 + luck
                rows.append(
                    {
                        "network": candidate.name,
                        "seed": seed,
                        "epochs": epochs,
                        "epoch": epochs,
                        "validation_top1": top1,
                        "validation_loss": 2 - 2 * top1 + 0.01 * rng.normal(),
                    }
                )
    return pd.DataFrame(rows)


GROWN: Grow = lambda candidate, phi: candidate.architecture  # noqa: E731


def world(replay: ModuleType, noise: float, seed: int, seeds: int = 200) -> Any:
    ground = replay.Landscape((replay.table(curves(noise), POOL),))
    return replay.World(ground, replay.known_jobs(ground, POOL, make, GROWN, seeds), seed)


def test_a_world_answers_the_same_whenever_it_is_asked(replay: ModuleType) -> None:
    one = world(replay, 0.02, 7)
    job = make(POOL[0].architecture, 4, 4)
    assert one.result(job) == one.result(job)


def test_trainings_scatter_as_the_seeds_of_the_table_do(replay: ModuleType) -> None:
    one = world(replay, 0.02, 1)
    scores = [one.result(make(POOL[0].architecture, 4, s)).validation_top1 for s in range(200)]
    assert np.std(scores) == pytest.approx(0.02, rel=0.3)
    assert 100 * np.mean(scores) == pytest.approx(one.truth[0], abs=0.6)


def test_what_is_true_differs_from_world_to_world_as_far_as_the_table_leaves_it_open(
    replay: ModuleType,
) -> None:
    near = np.std([world(replay, 0.002, seed).truth for seed in range(8)], axis=0).mean()
    far = np.std([world(replay, 0.03, seed).truth for seed in range(8)], axis=0).mean()
    assert 0 < near < far < 3


def test_the_regret_of_the_best_is_zero_and_of_the_others_the_gap(replay: ModuleType) -> None:
    one = world(replay, 0.01, 3)
    best = int(one.truth.argmax())
    assert one.regret(best) == 0
    assert one.regret(0) == pytest.approx(float(one.truth.max() - one.truth[0]))


def test_a_table_with_a_gap_is_refused_and_its_whole_seeds_are_kept(replay: ModuleType) -> None:
    with pytest.raises(UserError, match="finish the table"):
        replay.table(curves(0.01).iloc[1:], POOL)
    whole = replay.complete(curves(0.01).iloc[1:])
    assert set(whole["seed"]) == {1, 2}
    assert replay.table(whole, POOL).scores.shape == (len(POOL), 2, 2, 2)
