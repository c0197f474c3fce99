"""Recipes: the schedule by hand, and what is refused."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.core.hashing import digest
from scaling_search.training.recipe import Recipe

DEFAULT_DIGEST, OTHER_DIGEST = "44136fa355b3678a", "60a493c5a01e7540"
RECIPE = Recipe(learning_rate=0.8, warmup_epochs=0.5, cooldown_fraction=0.4)


def rates(total_steps: int, steps_per_epoch: int, recipe: Recipe = RECIPE) -> list[float]:
    steps = range(total_steps + 1)
    return [recipe.learning_rate_at(step, total_steps, steps_per_epoch) for step in steps]


def test_the_rate_warms_up_stays_and_falls_to_zero() -> None:
    # Half an epoch of 8 steps is 4 steps of warm-up; the last 8 of 20 steps fall by an eighth each.
    up = [0.2, 0.4, 0.6, 0.8]
    plateau = [0.8] * 8
    fall = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    assert rates(20, 8) == pytest.approx(up + plateau + fall)


def test_the_plateau_is_where_the_fall_begins() -> None:
    assert RECIPE.plateau_steps(20) == 12
    assert Recipe(cooldown_fraction=1.0).plateau_steps(20) == 0


def test_even_one_step_has_a_fall() -> None:
    assert Recipe(cooldown_fraction=0.01).plateau_steps(1) == 0
    assert Recipe(cooldown_fraction=0.01).plateau_steps(20) == 19


def test_the_plateau_does_not_depend_on_the_length() -> None:
    short, long = rates(20, 8), rates(100, 8)
    assert short[:12] == long[:12]
    assert short[13] < long[13]


def test_without_warm_up_the_first_step_is_at_the_peak() -> None:
    assert rates(20, 8, Recipe(learning_rate=0.8, warmup_epochs=0))[0] == 0.8


def test_a_warm_up_longer_than_the_plateau_goes_on_in_the_fall() -> None:
    recipe = Recipe(learning_rate=1.0, warmup_epochs=1, cooldown_fraction=1.0)
    assert rates(4, 4, recipe) == pytest.approx([0.25, 0.5 * 0.75, 0.75 * 0.5, 0.25, 0.0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("optimizer", "adam"),
        ("learning_rate", 0),
        ("learning_rate", inf),
        ("learning_rate", nan),
        ("momentum", 1),
        ("momentum", -0.1),
        ("weight_decay", -1e-4),
        ("batch_size", 0),
        ("warmup_epochs", -1),
        ("warmup_epochs", nan),
        ("cooldown_fraction", 0),
        ("cooldown_fraction", 1.1),
        ("label_smoothing", 1),
        ("clip_norm", -1),
        ("norm_momentum", 0),
        ("norm_momentum", 1.1),
        ("backbone_rate", -0.1),
        ("backbone_rate", inf),
        ("ema_decay", 1),
        ("drop_path", 1),
        ("dropout", 1),
        ("residual_init", "random"),
        ("branch_scale", "1/depth"),
        ("augment", "mixup"),
        ("precision", "float64"),
        ("schedule", "linear"),
        ("rise_fraction", 0),
        ("rise_fraction", 1),
        ("decay_factor", 0),
        ("decay_epochs", 0),
        ("auto_augment", "augmix"),
        ("memory_format", "nhwc"),
        ("compile", "max-autotune"),
        ("progressive_from", 0),
        ("progressive_from", 1.1),
        ("evaluate_px_factor", 0),
        ("evaluate_px_factor", nan),
    ],
)
def test_a_value_out_of_range_is_refused_in_one_line(field: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"^{field} must .*, got {value!r}$"):
        Recipe(**{field: value})


def test_a_captured_step_is_a_whole_batch() -> None:
    refused = "accumulate must be 1 with compile = 'reduce-overhead', got 2: take compile = 'def"
    with pytest.raises(UserError, match=refused):
        Recipe(compile="reduce-overhead", accumulate=2)
    assert Recipe(compile="reduce-overhead").accumulate == 1
    assert Recipe(compile="default", accumulate=2).accumulate == 2


def test_a_compiled_training_is_not_promised_to_be_deterministic() -> None:
    refused = "compile must be 'off' with deterministic = true, got 'default'"
    with pytest.raises(UserError, match=refused):
        Recipe(deterministic=True, compile="default")
    assert Recipe(deterministic=True).deterministic


def test_a_new_field_at_its_default_changes_no_digest() -> None:
    # Results in ledgers are found by this: a default never changes its meaning.
    assert digest(Recipe()) == DEFAULT_DIGEST
    assert digest(Recipe(batch_size=8, augment="none")) == OTHER_DIGEST


def test_scoring_at_another_side_is_no_other_training() -> None:
    recipe = Recipe(evaluate_px_factor=1.25)
    assert recipe.training == Recipe()
    assert (recipe.evaluated_px(28), Recipe().evaluated_px(28)) == (35, 28)
