"""Recipes by name, each with its source; a study file says `recipe = "paper"`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from scaling_search.arch.paper import officials
from scaling_search.arch.zoo_efficientnets import B0_FORMS
from scaling_search.core.errors import UserError
from scaling_search.training.recipe import Recipe
from scaling_search.training.recipe_growth import CHOICES, MEASURES, AtPhi, values_at

# EfficientNet (arXiv 1905.11946), section 5.2, and tensorflow/tpu, models/official/efficientnet:
# main.py (rate 0.016 at batch 256, in proportion to the batch; the average's decay warms up) and
# utils.py (the staircase of the rate). Dropout is the architecture's own, 0.2 for B0 to 0.5 for B7;
# networks grown from B0 take that of the official one of their φ. Not the same as there: torch's
# RMSProp adds epsilon outside the root, starts its mean of squares at 0 and not at 1, and applies
# the rate after the momentum. Of AutoAugment it is torchvision's policy for ImageNet. The paper
# trains for 350 epochs.
PAPER = Recipe(
    optimizer="rmsprop",
    learning_rate=0.256,
    momentum=0.9,
    weight_decay=1e-5,
    batch_size=4096,
    warmup_epochs=5,
    schedule="exponential",
    decay_factor=0.97,
    decay_epochs=2.4,
    residual_init="one",
    label_smoothing=0.1,
    ema_decay=0.9999,
    drop_path=0.2,
    augment="random-resized-crop",
    auto_augment="autoaugment",
)

PAPER_FROM_B0 = replace(
    PAPER,
    by_phi=tuple(AtPhi(phi, dropout=official.dropout) for phi, official in enumerate(officials())),
)

# One cycle (arXiv 1708.07120), Nesterov's momentum and weight decay as CIFAR networks are usually
# trained, label smoothing (arXiv 1512.00567), crop and flip. The average's warm-up makes it span a
# ninth of the steps that are done, so it fits trainings of any length.
MODERN = Recipe(
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=5e-4,
    batch_size=64,
    schedule="one-cycle",
    label_smoothing=0.1,
    ema_decay=0.999,
    augment="shift-flip",
)

# For weights that exist already: Nesterov's momentum at a tenth of the rate for random ones, and
# less decay, within what transfer is usually measured with (arXiv 1805.08974). Statistics that are
# averaged over a hundred batches, as EfficientNets' are, would lag behind all of a short training.
FINE_TUNE = Recipe(learning_rate=0.01, weight_decay=1e-4, augment="shift-flip", norm_momentum=0.1)

RECIPES: dict[str, Recipe] = {
    "default": Recipe(),
    "paper": PAPER,
    "modern": MODERN,
    "fine-tune": FINE_TUNE,
}


def recipe_named(name: object, base: object = None) -> Recipe:
    """The recipe of this name; raises UserError with the known names for an unknown one.

    `base` is the network that others are grown from, where there is one: what the paper grows with
    its family is right for networks grown from B0 alone.

    Examples:
        >>> from scaling_search.training.recipes import recipe_named
        >>> paper = recipe_named("paper", base="efficientnet-b0")
        >>> paper.optimizer, paper.batch_size, paper.learning_rate
        ('rmsprop', 4096, 0.256)
        >>> paper.at_phi(3).dropout, paper.at_phi(7).dropout
        (0.3, 0.5)
    """
    if name == "paper" and base in B0_FORMS:
        return PAPER_FROM_B0
    if isinstance(name, str) and name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(str(name), RECIPES, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(f"unknown recipe {name!r}: {hint}known are {', '.join(RECIPES)}")


def expanded_recipe(written: object, source: str, base: object = None) -> object:
    """What a file says of its recipe, with a name replaced by the fields it stands for.

    `"paper"` and `{"like": "paper", …}` become a table of fields, in which what stands beside
    `like` comes first: a batch size without a rate takes the named rate in proportion, and what is
    given plainly no longer grows with φ. `base` as in `recipe_named`. Anything else comes back as
    it is. Raises UserError naming `source` for an unknown name.

    Examples:
        >>> from scaling_search.training.recipes import expanded_recipe
        >>> fields = expanded_recipe({"like": "paper", "batch_size": 256}, "study.toml")
        >>> fields["batch_size"], fields["learning_rate"]
        (256, 0.016)
    """
    if isinstance(written, str):
        written = {"like": written}
    if not isinstance(written, Mapping) or "like" not in written:
        return written
    changes = {key: value for key, value in written.items() if key != "like"}
    try:
        recipe = recipe_named(written["like"], base)
    except UserError as error:
        raise UserError(f"{source}: recipe.like: {error}") from None
    return asdict(_constant(_at_batch(recipe, changes), changes)) | changes


def _constant(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """The recipe whose `by_phi` says nothing of what is given."""
    plain: dict[str, Any] = {name: None for name in (*MEASURES, *CHOICES) if name in changes}
    grows = [row for row in recipe.by_phi if values_at([row], row.phi).keys() - plain.keys()]
    return replace(recipe, by_phi=tuple(replace(row, **plain) for row in grows))


def _at_batch(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    batch = changes.get("batch_size")
    if not isinstance(batch, int) or batch < 1 or "learning_rate" in changes:
        return recipe
    return recipe.at_batch(batch)
