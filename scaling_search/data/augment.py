"""Order and augmentation of training images, pure functions of (seed, epoch, index)."""

from __future__ import annotations

import hashlib
from typing import Literal, assert_never

import torch
from torch.nn import functional

Policy = Literal["none", "shift", "shift-flip"]

DRAWS_PER_IMAGE = 3  # vertical shift, horizontal shift, flip
LARGEST_SHIFT = 8  # up to an eighth of the side, as four pixels of CIFAR's 32


def order(seed: int, epoch: int, n: int) -> torch.Tensor:
    """The order of the images in an epoch: a permutation of 0..n-1 (int64)."""
    return torch.randperm(n, generator=_generator("order", seed, epoch))


def draws(seed: int, epoch: int, n: int) -> torch.Tensor:
    """The chance behind each image's augmentation in an epoch: uniform in [0, 1), n × 3."""
    return torch.rand(n, DRAWS_PER_IMAGE, generator=_generator("draws", seed, epoch))


def augment(
    images: torch.Tensor,
    draws: torch.Tensor | None,
    policy: Policy,
    mean: torch.Tensor,
    std: torch.Tensor,
) -> torch.Tensor:
    """Normalise a batch, shifted and mirrored as the policy and the draws say.

    `images` is uint8 B × C × H × W on any device, `draws` the rows of these images (None: not
    augmented), `mean` and `std` (C) are in units of 0..1. Returns float32, channels last, on the
    images' device. What a shift uncovers is filled with the mean, which is zero here.
    """
    normalised = normalise(images, mean, std)
    if draws is None or policy == "none":
        return normalised
    up, leftward, mirror = draws.to(images.device).unbind(1)
    shifted = shift(normalised, up, leftward)
    if policy == "shift":
        return shifted
    if policy == "shift-flip":
        return flip(shifted, mirror)
    assert_never(policy)


def normalise(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """(images / 255 - mean) / std for each channel, float32, channels last."""
    mean, std = (value.to(images.device).view(1, -1, 1, 1) for value in (mean, std))
    scaled = images.float().mul_(1 / (255 * std)).sub_(mean / std)
    # Last: the arithmetic is faster on whole channels.
    return scaled.contiguous(memory_format=torch.channels_last)


def shift(images: torch.Tensor, up: torch.Tensor, leftward: torch.Tensor) -> torch.Tensor:
    """Shift each image by up to an eighth of its side, at least 1 px; fill with zeros.

    `up` and `leftward` (B) are uniform in [0, 1): 0 is the farthest down or right.
    """
    batch, _, height, width = images.shape
    reach_y, reach_x = (max(1, side // LARGEST_SHIFT) for side in (height, width))
    padded = functional.pad(images, (reach_x, reach_x, reach_y, reach_y))
    # Every window of the padded image is a view; one gather copies the chosen ones.
    windows = padded.permute(0, 2, 3, 1).unfold(1, height, 1).unfold(2, width, 1)
    top = (up * (2 * reach_y + 1)).long()
    left = (leftward * (2 * reach_x + 1)).long()
    chosen = windows[torch.arange(batch, device=images.device), top, left]
    return chosen.contiguous(memory_format=torch.channels_last)


def flip(images: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Mirror left and right the images whose chance (B, uniform in [0, 1)) is below a half."""
    mirrored = (chance < 0.5).view(-1, 1, 1, 1)
    return torch.where(mirrored, images.flip(-1), images)


def _generator(purpose: str, seed: int, epoch: int) -> torch.Generator:
    digest = hashlib.sha256(f"{purpose} {seed} {epoch}".encode()).digest()
    # 63 bits: torch refuses a seed beyond the signed range.
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
