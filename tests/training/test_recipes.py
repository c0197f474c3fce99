"""Recipes by name: what the paper says, and how a study file names one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import from_toml, to_toml
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipes import MODERN, PAPER, RECIPES


def read(recipe: str) -> Recipe:
    return from_toml(f'name = "x"\n{recipe}').recipe


def test_the_papers_rate_is_0_016_at_a_batch_of_256() -> None:
    small = PAPER.at_batch(256)
    assert small.batch_size == 256
    assert small.learning_rate == pytest.approx(0.016)
    assert replace(small, batch_size=4096, learning_rate=0.256) == PAPER


def test_the_papers_rate_at_its_landmarks() -> None:
    steps_per_epoch = 10
    at = [PAPER.learning_rate_at(epoch * 10, 3500, steps_per_epoch) for epoch in (0, 5, 24)]
    assert at == pytest.approx([0.256 / 50, 0.256 * 0.97**2, 0.256 * 0.97**10])


def test_the_default_recipe_has_a_name() -> None:
    assert RECIPES["default"] == Recipe()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("form", ['recipe = "{}"', '[recipe]\nlike = "{}"'])
def test_a_file_names_a_recipe(name: str, form: str) -> None:
    assert read(form.format(name)) == RECIPES[name]


def test_what_stands_beside_the_name_comes_first() -> None:
    recipe = read('[recipe]\nlike = "modern"\nlabel_smoothing = 0.0\nlearning_rate = 0.3')
    assert recipe == replace(MODERN, label_smoothing=0.0, learning_rate=0.3)


def test_another_batch_takes_the_rate_in_proportion_unless_one_is_given() -> None:
    assert read('[recipe]\nlike = "paper"\nbatch_size = 256') == PAPER.at_batch(256)
    given = read('[recipe]\nlike = "paper"\nbatch_size = 256\nlearning_rate = 0.5')
    assert (given.batch_size, given.learning_rate) == (256, 0.5)


def test_a_named_recipe_is_written_out_in_full() -> None:
    text = to_toml(Study("x", recipe=PAPER))
    assert "like" not in text
    assert 'schedule = "exponential"' in text
    assert "decay_epochs = 2.4" in text
    assert from_toml(text).recipe == PAPER


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ('recipe = "papr"', "unknown recipe 'papr': did you mean paper? known are default, paper"),
        ("[recipe]\nlike = 3", "unknown recipe 3: known are default, paper, modern"),
        ('[recipe]\nlike = "paper"\nlr = 1', "unknown key 'recipe.lr'"),
        ('[recipe]\nlike = "paper"\nbatch_size = 0', "batch_size must be at least 1, got 0"),
        ('[recipe]\nlike = "paper"\nbatch_size = "big"', "recipe.batch_size: input should be"),
        ("recipe = 3", "recipe: "),
    ],
)
def test_a_mistake_is_one_line(recipe: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        from_toml(f'name = "x"\n{recipe}', "mine.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("mine.toml")
    assert "\n" not in str(caught.value)
