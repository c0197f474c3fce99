"""From images as they are kept to what the network sees: augmented, at the epoch's side."""

from __future__ import annotations

import torch
from torch.nn import functional

from scaling_search.data.augment import augment
from scaling_search.data.splits import Split
from scaling_search.training.recipe import Recipe
from scaling_search.training.train_state import MEMORY_FORMATS


def chances(
    of_all: torch.Tensor, own: torch.Tensor, recipe: Recipe, device: torch.device
) -> torch.Tensor:
    """The rows of an epoch's draws (N × columns) for its parts (indices, parts × B), in order.

    They go to the device once, where a step needs not wait for them, unless what is drawn there is
    worked out on the CPU: the box of a resized crop, the operations of an automatic policy.
    """
    rows = of_all[own]
    if recipe.augment == "random-resized-crop" or recipe.auto_augment != "none":
        return rows
    return rows.to(device)


def training_images(
    images: torch.Tensor,
    chance: torch.Tensor,
    split: Split,
    recipe: Recipe,
    side_px: int,
) -> torch.Tensor:
    """The images (uint8, B × C × px × px) as a training step wants them: float32.

    `chance` are the rows of these images (see `data.augment.uniforms`); `side_px` is the side they
    are reduced to once they are augmented.
    """
    policies = recipe.augment, recipe.auto_augment
    made = augment(images, chance, policies[0], split.mean, split.std, policies[1])
    if side_px != made.shape[-1]:
        made = functional.interpolate(made, size=side_px, mode="bilinear", antialias=True)
    return made.contiguous(memory_format=MEMORY_FORMATS[recipe.memory_format])
