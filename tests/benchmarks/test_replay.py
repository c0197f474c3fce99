"""Replays on a table: how worlds are drawn, and what a search has cost in one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scaling_search.search.replay import World, known_jobs, landscape, spent_mac_images

from scaling_search.errors import UserError
from tests.search.test_halving import POOL, make

LENGTHS = (1, 2, 4)


def table(noise: float, seeds: int = 3) -> pd.DataFrame:
    """The last epochs of trainings: the finer the better, and the longer."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "network": candidate.name,
            "seed": seed,
            "epochs": epochs,
            "epoch": epochs,
            "validation_top1": candidate.architecture.resolution_px / 100
            + epochs / 100
            + rng.normal(0, noise),
        }
        for candidate in POOL
        for seed in range(seeds)
        for epochs in LENGTHS
    )


def test_without_noise_every_world_is_the_table() -> None:
    ground = landscape(table(0.0))
    known = known_jobs(ground, POOL, make, 2)
    for seed in range(3):
        job = make(POOL[3], 2, 1)
        expected = POOL[3].architecture.resolution_px / 100 + 0.02
        assert World(ground, known, seed).result(job).validation_top1 == pytest.approx(expected)


def test_a_world_answers_the_same_whenever_it_is_asked() -> None:
    ground = landscape(table(0.02))
    world = World(ground, known_jobs(ground, POOL, make, 5), 7)
    job = make(POOL[0], 4, 4)
    assert world.result(job) == world.result(job)


def test_worlds_scatter_as_the_seeds_of_the_table_do() -> None:
    ground = landscape(table(0.02))
    known = known_jobs(ground, POOL, make, 200)
    world = World(ground, known, 1)
    scores = [world.result(make(POOL[0], 4, seed)).validation_top1 for seed in range(200)]
    assert np.std(scores) == pytest.approx(0.02, rel=0.3)
    assert np.mean(scores) == pytest.approx(ground.truth[0], abs=0.005)


def test_means_of_few_seeds_are_drawn_together_by_their_own_error() -> None:
    alike = table(0.02).assign(
        validation_top1=np.random.default_rng(1).normal(0.5, 0.02, 3 * 3 * len(POOL))
    )
    drawn = landscape(alike).truth
    raw = alike[alike["epochs"] == 4].groupby("network")["validation_top1"].mean()
    assert drawn.std() < 0.8 * raw.std()


def test_the_regret_of_the_best_is_zero_and_of_the_others_the_gap() -> None:
    ground = landscape(table(0.0))
    coarsest = min(POOL, key=lambda c: c.architecture.resolution_px)
    sides = [c.architecture.resolution_px for c in POOL]
    assert ground.regret(ground.best) == 0
    assert ground.regret(coarsest.name) == pytest.approx(max(sides) - min(sides))


def test_a_table_with_a_gap_is_refused() -> None:
    with pytest.raises(UserError, match="finish the table"):
        landscape(table(0.01).iloc[1:])


def test_a_longer_training_is_charged_from_the_shorter_ones_plateau_on() -> None:
    one, two = make(POOL[0], 5, 0), make(POOL[0], 10, 0)
    alone = spent_mac_images([two])
    # The recipe falls over the last 0.4: three of the first five epochs are shared.
    assert spent_mac_images([one, two]) == pytest.approx(alone * 1.2, rel=0.01)
    assert spent_mac_images([two, two]) == alone
    other = make(POOL[0], 5, 1)
    assert spent_mac_images([other, two]) == pytest.approx(alone * 1.5, rel=0.01)
