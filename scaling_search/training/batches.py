"""From images as they are kept to what the network sees: augmented, at the epoch's side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional

from scaling_search.data.augment import augment
from scaling_search.data.splits import Batch, ResidentSplit, Split
from scaling_search.training.recipe import Recipe
from scaling_search.training.train_state import MEMORY_FORMATS

SideOf = Callable[[int], int]
"""From the side of the images to that which a network sees in an epoch, both in pixels."""

AT_ONCE_BYTES = 32 << 20  # of float32 images that a GPU augments together


def draws_of_parts(
    draws: torch.Tensor, parts: torch.Tensor, recipe: Recipe, device: torch.device
) -> torch.Tensor:
    """The rows of an epoch's draws (N × columns) for its parts (indices, parts × B), in order.

    They go to the device once, where a step needs not wait for them, unless what is drawn there is
    worked out on the CPU: the box of a resized crop, the operations of an automatic policy.
    """
    rows = draws[parts]
    if recipe.augment == "random-resized-crop" or recipe.auto_augment != "none":
        return rows
    return rows.to(device)


def training_images(
    images: torch.Tensor,
    draws: torch.Tensor,
    split: Split,
    recipe: Recipe,
    side_px: int,
) -> torch.Tensor:
    """The images (uint8, B × C × px × px) as a training step wants them: float32.

    `draws` are the rows of these images (see `data.augment.uniforms`); `side_px` is the side they
    are reduced to once they are augmented.
    """
    policies = recipe.augment, recipe.auto_augment
    augmented = augment(images, draws, policies[0], split.mean, split.std, policies[1])
    if side_px != augmented.shape[-1]:
        augmented = functional.interpolate(augmented, size=side_px, mode="bilinear", antialias=True)
    return augmented.contiguous(memory_format=MEMORY_FORMATS[recipe.memory_format])


def parts_at_once(
    split: Split, recipe: Recipe, part_size: int, side_of: SideOf, device: torch.device
) -> int:
    """How many parts of `part_size` images are augmented together; 1 where that gains nothing.

    A GPU has the kernels of many steps to launch but once. Shifts and flips give the same bits
    however many there are; what is resampled, streamed, or worked out on the CPU stays apart.
    """
    plain = recipe.augment != "random-resized-crop" and recipe.auto_augment == "none"
    if device.type != "cuda" or not plain or not isinstance(split, ResidentSplit):
        return 1
    px = split.images.shape[-1]
    if side_of(px) != px:
        return 1
    part_bytes = 4 * part_size * split.images[0].numel()
    return max(1, AT_ONCE_BYTES // part_bytes)


def augmented_parts(
    split: Split,
    parts: torch.Tensor,
    draws: torch.Tensor,
    recipe: Recipe,
    side_of: SideOf,
    at_once: int,
) -> Iterator[Batch]:
    """Images and labels of each part (indices, parts × B), augmented `at_once` parts together.

    `draws` are the parts' draws (parts × B × columns).
    """
    size = parts.shape[1]
    read = split.batches(parts.flatten(), size * at_once)
    for rows, (images, labels) in zip(torch.split(draws, at_once), read, strict=True):
        side_px = side_of(images.shape[-1])
        inputs = training_images(images, rows.flatten(0, 1), split, recipe, side_px)
        yield from zip(torch.split(inputs, size), torch.split(labels, size), strict=True)
        del images, inputs  # before the next ones are made
