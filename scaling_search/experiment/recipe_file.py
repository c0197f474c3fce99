"""A recipe as a command names it: by its name, or by a TOML file of its fields."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from scaling_search.core import toml_config
from scaling_search.core.errors import require
from scaling_search.experiment.network_file import is_file_name
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipe_growth import AtPhi
from scaling_search.training.recipes import expanded_recipe, recipe_named

_RECIPES = TypeAdapter(Recipe)


def recipe_of(name_or_file: str, batch_size: int | None = None) -> Recipe:
    """A recipe by its name, or of a TOML file with its fields; at another batch the rate follows.

    Raises UserError for an unknown name or a wrong file.

    Examples:
        >>> from scaling_search.experiment.recipe_file import recipe_of
        >>> recipe_of("modern", batch_size=128).learning_rate
        0.2
    """
    recipe = (
        _of_file(Path(name_or_file)) if is_file_name(name_or_file) else recipe_named(name_or_file)
    )
    if batch_size is None:
        return recipe
    require(batch_size >= 1, "batch_size must be at least 1", batch_size)
    return recipe.at_batch(batch_size)


def _of_file(path: Path) -> Recipe:
    text, source = toml_config.read_text(path, "recipe"), str(path)
    values = expanded_recipe(toml_config.parsed(text, source), source)
    return toml_config.validated(_RECIPES, values, text, source, _known)


def _known(where: toml_config.Location) -> str:
    table = AtPhi(0.0, dropout=0.0) if where[:1] == ("by_phi",) else Recipe()
    return ", ".join(asdict(table))
