"""A recipe by its name, or by a file with its fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.recipe_file import recipe_of
from scaling_search.training.recipes import recipe_named


def test_a_recipe_is_a_name_or_a_file_and_its_rate_follows_the_batch(tmp_path: Path) -> None:
    assert recipe_of("paper") == recipe_named("paper")
    halved = recipe_of("paper", 2048)
    assert (halved.batch_size, halved.learning_rate) == (
        2048,
        recipe_named("paper").learning_rate / 2,
    )
    path = tmp_path / "mine.toml"
    path.write_text('like = "modern"\noptimizer = "adamw"\nlearning_rate = 0.01\n')
    mine = recipe_of(str(path))
    assert (mine.optimizer, mine.learning_rate) == ("adamw", 0.01)
    assert mine.label_smoothing == recipe_named("modern").label_smoothing
    for text, said in (
        ("learning_rat = 1", r"line 1: unknown key 'learning_rat': known are optimizer, learning_"),
        ("\nlearning_rate = -1", "learning_rate must be positive"),
        ('like = "papr"', "did you mean paper"),
        ("like = [", "must be valid TOML"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=said) as caught:
            recipe_of(str(path))
        assert str(path) in str(caught.value)
