"""From indices to what the network sees: fetched, augmented, at the epoch's side."""

from __future__ import annotations

import torch
from torch.nn import functional

from scaling_search.data.augment import augment
from scaling_search.data.splits import Split
from scaling_search.training.recipe import Recipe
from scaling_search.training.state import MEMORY_FORMATS


def batch_on(
    split: Split, indices: torch.Tensor, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """The images (uint8, B × C × H × W) and labels (B) of these indices, on the device."""
    images = split.fetch(indices).to(device, non_blocking=True)
    return images, split.labels[indices].to(device, non_blocking=True)


def training_images(
    images: torch.Tensor,
    chance: torch.Tensor,
    split: Split,
    recipe: Recipe,
    side_px: int,
) -> torch.Tensor:
    """The images (uint8, B × C × px × px) as a training step wants them: float32.

    `chance` are the rows of these images (see `data.augment.draws`); `side_px` is the side they
    are reduced to once they are augmented.
    """
    policies = recipe.augment, recipe.auto_augment
    made = augment(images, chance, policies[0], split.mean, split.std, policies[1])
    if side_px != made.shape[-1]:
        made = functional.interpolate(made, size=side_px, mode="bilinear", antialias=True)
    return made.contiguous(memory_format=MEMORY_FORMATS[recipe.memory_format])
