"""Top-1 and loss as one score: how they are brought together, by hand and on drawn networks."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from scaling_search.search.curve_kernel import Level
from scaling_search.search.measurement import Combination, SeedGroup, combination, rows_of
from scaling_search.training.history import Scores

FULL = Level()


def drawn(
    networks: int, seeds: int, *, top1_noise: float, loss_noise: float, seed: int = 0
) -> tuple[list[SeedGroup], np.ndarray]:
    """Networks whose loss falls by 0.02 nats a point; noise in points, of each its own."""
    rng = np.random.default_rng(seed)
    true = rng.normal(50, 1.5, networks)
    groups = [
        SeedGroup(
            i,
            FULL,
            {
                s: Scores(
                    loss=1.5 - 0.02 * (true[i] - 50 + rng.normal(0, loss_noise)),
                    top1=(true[i] + rng.normal(0, top1_noise)) / 100,
                    top5=0.9,
                )
                for s in range(seeds)
            },
        )
        for i in range(networks)
    ]
    return groups, true


def test_top1_alone_is_the_score_in_points_where_few_networks_are_known() -> None:
    groups, _ = drawn(3, 2, top1_noise=1.0, loss_noise=0.1)
    assert combination(groups) == Combination()
    assert rows_of(groups)[0].scores[1] == 100 * groups[0].scores[1].top1


def test_without_losses_top1_is_the_score() -> None:
    groups = [SeedGroup(i, FULL, {0: Scores(nan, i / 10, nan)}) for i in range(6)]
    assert combination(groups) == Combination()


def test_the_losses_slope_is_found() -> None:
    groups, _ = drawn(40, 4, top1_noise=0.5, loss_noise=0.2)
    assert combination(groups).points_per_nat == pytest.approx(50, rel=0.1)


def test_the_less_noisy_of_the_two_weighs_more() -> None:
    by_loss, _ = drawn(30, 3, top1_noise=1.5, loss_noise=0.3)
    by_top1, _ = drawn(30, 3, top1_noise=0.3, loss_noise=1.5)
    assert combination(by_loss).weight < 0.3
    assert combination(by_top1).weight > 0.7


def test_together_they_come_nearer_to_the_truth_than_either() -> None:
    missed = {"top1": 0.0, "loss": 0.0, "both": 0.0}
    for seed in range(20):
        groups, true = drawn(30, 2, top1_noise=0.8, loss_noise=0.8, seed=seed)
        both = np.array([np.mean(list(row.scores.values())) for row in rows_of(groups)])
        top1 = np.array([100 * np.mean([s.top1 for s in g.scores.values()]) for g in groups])
        loss = np.array([np.mean([s.loss for s in g.scores.values()]) for g in groups])
        for name, score in (("top1", top1), ("loss", -50 * loss), ("both", both)):
            missed[name] += float((score - score.mean() - (true - true.mean())).std())
    assert missed["both"] < 0.85 * min(missed["top1"], missed["loss"])


def test_a_loss_that_says_something_else_is_trusted_less() -> None:
    groups, _ = drawn(30, 4, top1_noise=0.5, loss_noise=0.1)
    rng = np.random.default_rng(5)
    odd = [
        SeedGroup(
            g.candidate,
            FULL,
            {s: Scores(v.loss + shift, v.top1, v.top5) for s, v in g.scores.items()},
        )
        for g, shift in zip(groups, rng.normal(0, 0.03, 30), strict=True)
    ]
    assert combination(odd).own_variance > 4 * combination(groups).own_variance
    assert combination(odd).weight > combination(groups).weight
    assert all(row.variance > 0 for row in rows_of(odd))


def test_each_level_is_combined_by_itself() -> None:
    short, _ = drawn(20, 2, top1_noise=0.3, loss_noise=2.0)
    full, _ = drawn(20, 2, top1_noise=2.0, loss_noise=0.3)
    short = [SeedGroup(g.candidate, Level(1), g.scores) for g in short]
    rows = rows_of([*short, *full])
    assert [row.level for row in rows] == [Level(1)] * 20 + [FULL] * 20
    together = {row.candidate: row.scores for row in rows if row.level == FULL}
    assert together == {row.candidate: row.scores for row in rows_of(full)}
