"""Schedules: by hand, and against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scaling_search.training.recipe import Recipe
from scaling_search.training.schedule import Schedule, one_cycle

SCHEDULES: tuple[Schedule, ...] = ("trapezoid", "cosine", "one-cycle", "exponential")
INDEPENDENT: tuple[Schedule, ...] = ("trapezoid", "exponential")


def rates(recipe: Recipe, total_steps: int, steps_per_epoch: int = 5) -> list[float]:
    steps = range(total_steps)
    return [recipe.learning_rate_at(step, total_steps, steps_per_epoch) for step in steps]


def test_a_cosine_falls_from_the_end_of_the_warm_up_to_zero() -> None:
    # 4 steps of warm-up, then 8 of which the middle one is at half the peak.
    recipe = Recipe(schedule="cosine", learning_rate=0.8, warmup_epochs=2)
    made = rates(recipe, 12, steps_per_epoch=2)
    assert made[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8])
    assert made[8] == pytest.approx(0.4)
    assert recipe.learning_rate_at(12, 12, 2) == pytest.approx(0.0)


def test_a_warm_up_longer_than_a_cosine_is_all_there_is() -> None:
    recipe = Recipe(schedule="cosine", learning_rate=1.0, warmup_epochs=4)
    assert rates(recipe, 4, steps_per_epoch=2) == pytest.approx([1 / 8, 2 / 8, 3 / 8, 4 / 8])


@pytest.mark.parametrize("total_steps", [3, 10, 97])
@pytest.mark.parametrize("rise", [0.3, 0.5])
def test_one_cycle_is_torchs(total_steps: int, rise: float) -> None:
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.8, total_steps=total_steps, pct_start=rise, cycle_momentum=False
    )
    expected = []
    for _ in range(total_steps):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        if len(expected) < total_steps:
            theirs.step()
    recipe = Recipe(schedule="one-cycle", learning_rate=0.8, rise_fraction=rise)
    assert rates(recipe, total_steps) == pytest.approx(expected)


def test_one_cycle_of_a_single_step_is_at_its_peak() -> None:
    assert one_cycle(0, 1, 0.3) == 1.0


def test_the_papers_rate_falls_by_three_percent_every_2_4_epochs() -> None:
    recipe = Recipe(schedule="exponential", learning_rate=0.256, warmup_epochs=5)
    made = rates(recipe, 100, steps_per_epoch=5)  # a stair of 12 steps, a warm-up of 25
    assert made[:2] == pytest.approx([0.256 / 25, 0.256 * 2 / 25])
    assert made[24] == pytest.approx(0.256)
    # Two stairs lay under the warm-up.
    assert made[25:36] == pytest.approx([0.256 * 0.97**2] * 11)
    assert made[36] == pytest.approx(0.256 * 0.97**3)
    assert made[96] == pytest.approx(0.256 * 0.97**8)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_lengths_share_just_the_steps_that_are_said_to_be_shared(schedule: Schedule) -> None:
    recipe = Recipe(schedule=schedule, warmup_epochs=1.0)
    short, long = rates(recipe, 20), rates(recipe, 60)
    shared = recipe.plateau_steps(20)
    assert short[:shared] == long[:shared]
    # The trapezoid's first step of the fall is still at the peak, a cosine's warm-up is the same.
    assert (short == long[:20]) == (schedule == "exponential")
    assert shared == {"trapezoid": 12, "cosine": 0, "one-cycle": 0, "exponential": 20}[schedule]


@pytest.mark.parametrize("schedule", INDEPENDENT)
def test_growing_images_are_never_shared(schedule: Schedule) -> None:
    assert Recipe(schedule=schedule, progressive_from=0.5).plateau_steps(20) == 0
