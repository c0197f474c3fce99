"""Order and augmentation of training images, pure functions of (seed, epoch, index)."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal, assert_never

import torch
from torch.nn import functional

from scaling_search.data.random_crop import random_resized_crop
from scaling_search.data.transfer import to_device

Policy = Literal["none", "shift", "shift-flip", "random-resized-crop"]
AutoPolicy = Literal["none", "autoaugment", "randaugment", "trivialaugment"]

# Vertical and horizontal shift, flip; with a crop's area and ratio in front of them.
DRAWS_PER_IMAGE = 3
CROP_DRAWS = 5
AUTO_DRAWS: dict[AutoPolicy, int] = {
    "none": 0,
    "autoaugment": 5,  # the policy; for each of its two operations whether, and which sign
    "randaugment": 4,  # for each of two operations which, and which sign
    "trivialaugment": 3,  # the operation, its magnitude, its sign
}
LARGEST_SHIFT = 8  # up to an eighth of the side, as four pixels of CIFAR's 32


def order(seed: int, epoch: int, n: int) -> torch.Tensor:
    """The order of the images in an epoch: a permutation of 0..n-1 (int64).

    Examples:
        >>> from scaling_search.data.augment import order
        >>> sorted(order(seed=0, epoch=3, n=5).tolist()), order(0, 3, 5).equal(order(0, 3, 5))
        ([0, 1, 2, 3, 4], True)
    """
    return torch.randperm(n, generator=_generator("order", seed, epoch))


def uniforms(seed: int, epoch: int, n: int, per_image: int = DRAWS_PER_IMAGE) -> torch.Tensor:
    """The chance behind each image's augmentation: uniform in [0, 1), n × per_image.

    Examples:
        >>> from scaling_search.data.augment import uniforms
        >>> draws = uniforms(seed=0, epoch=3, n=5)
        >>> len(draws), bool((draws >= 0).all() and (draws < 1).all())
        (5, True)
    """
    return torch.rand(n, per_image, generator=_generator("draws", seed, epoch))


def draws_per_image(policy: Policy, auto: AutoPolicy) -> int:
    """How many draws `augment` needs of each image.

    Examples:
        >>> from scaling_search.data.augment import draws_per_image
        >>> draws_per_image("shift-flip", "none"), draws_per_image("random-resized-crop", "none")
        (3, 5)
    """
    return _policy_draws(policy) + AUTO_DRAWS[auto]


def augment(
    images: torch.Tensor,
    uniforms: torch.Tensor | None,
    policy: Policy,
    mean: torch.Tensor,
    std: torch.Tensor,
    auto: AutoPolicy = "none",
) -> torch.Tensor:
    """Normalise a batch, moved, mirrored and changed as the policies and the draws say.

    `images` is uint8 B × C × H × W on any device, `uniforms` the rows of these images (None: not
    augmented), `mean` and `std` (C) are in units of 0..1. Returns float32, channels last, on the
    images' device. What a movement uncovers is filled with the mean, which is zero here. The
    operations of `auto` come after the crop, shift and flip, as in torchvision's references.

    Examples:
        >>> import torch
        >>> from scaling_search.data.augment import augment, draws_per_image, uniforms
        >>> images = torch.full((4, 1, 16, 16), 255, dtype=torch.uint8)
        >>> draws = uniforms(seed=0, epoch=3, n=4, per_image=draws_per_image("shift", "none"))
        >>> moved = augment(images, draws, "shift", torch.tensor([0.5]), torch.tensor([0.25]))
        >>> moved.shape, round(moved.max().item(), 3)
        (torch.Size([4, 1, 16, 16]), 2.0)
    """
    if uniforms is None:
        return normalise(images, mean, std)
    if policy == "random-resized-crop":
        images = random_resized_crop(images, uniforms)
    elif auto == "none":
        # Shifted last, where zero is the mean.
        return _shifted_and_flipped(normalise(images, mean, std), uniforms, policy)
    if auto != "none":
        # torchvision takes seconds to import: only who asks for it waits.
        from scaling_search.data.auto_augment import auto_augment

        fill, numbers = _fill(mean)
        images = _shifted_and_flipped(images, uniforms, policy, fill)
        images = auto_augment(images, uniforms[:, _policy_draws(policy) :], auto, numbers)
    return normalise(images, mean, std)


def normalise(images: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """(images / 255 - mean) / std for each channel, float32, channels last.

    Examples:
        >>> import torch
        >>> from scaling_search.data.augment import normalise
        >>> white = torch.full((1, 1, 1, 1), 255, dtype=torch.uint8)
        >>> round(normalise(white, torch.tensor([0.5]), torch.tensor([0.25])).item(), 3)
        2.0
    """
    mean, std = (value.to(images.device).view(1, -1, 1, 1) for value in (mean, std))
    scaled = images.float().mul_(1 / (255 * std)).sub_(mean / std)
    # Last: the arithmetic is faster on whole channels.
    return scaled.contiguous(memory_format=torch.channels_last)


def shift_images(
    images: torch.Tensor,
    up: torch.Tensor,
    leftward: torch.Tensor,
    fill: torch.Tensor | None = None,
) -> torch.Tensor:
    """Shift each image by up to an eighth of its side, at least 1 px; fill with `fill` (C) or 0.

    `up` and `leftward` (B) are uniform in [0, 1): 0 is the farthest down or right. It is the random
    crop out of an image that was padded by an eighth.

    Examples:
        >>> import torch
        >>> from scaling_search.data.augment import shift_images
        >>> up, leftward = torch.tensor([0.99]), torch.tensor([0.5])
        >>> shift_images(torch.eye(3)[None, None], up, leftward)[0, 0].tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    batch, _, height, width = images.shape
    reach_y, reach_x = (max(1, side // LARGEST_SHIFT) for side in (height, width))
    padded = _padded(images, reach_y, reach_x, fill)
    # Every window of the padded image is a view; one gather copies the chosen ones.
    windows = padded.permute(0, 2, 3, 1).unfold(1, height, 1).unfold(2, width, 1)
    top = (up * (2 * reach_y + 1)).long()
    left = (leftward * (2 * reach_x + 1)).long()
    chosen = windows[torch.arange(batch, device=images.device), top, left]
    return chosen.contiguous(memory_format=torch.channels_last)


def flip(images: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Mirror left and right the images whose chance (B, uniform in [0, 1)) is below a half.

    Examples:
        >>> import torch
        >>> from scaling_search.data.augment import flip
        >>> images = torch.tensor([[[[1, 2, 3]]], [[[1, 2, 3]]]])
        >>> flip(images, chance=torch.tensor([0.2, 0.7])).tolist()
        [[[[3, 2, 1]]], [[[1, 2, 3]]]]
    """
    mirrored = (chance < 0.5).view(-1, 1, 1, 1)
    return torch.where(mirrored, images.flip(-1), images)


def _policy_draws(policy: Policy) -> int:
    return CROP_DRAWS if policy == "random-resized-crop" else DRAWS_PER_IMAGE


# To read numbers off a GPU is to wait for it: once a split, not once a batch.
@lru_cache(maxsize=1 << 3)
def _fill(mean: torch.Tensor) -> tuple[torch.Tensor, tuple[int, ...]]:
    """The mean as a pixel (uint8, C), where it lies and as numbers."""
    fill = (255 * mean).round().to(torch.uint8)
    return fill, tuple(fill.tolist())


def _shifted_and_flipped(
    images: torch.Tensor, uniforms: torch.Tensor, policy: Policy, fill: torch.Tensor | None = None
) -> torch.Tensor:
    if policy == "none" or policy == "random-resized-crop":
        return images
    up, leftward, mirror = to_device(uniforms[:, :DRAWS_PER_IMAGE], images.device).unbind(1)
    shifted = shift_images(images, up, leftward, fill)
    if policy == "shift":
        return shifted
    if policy == "shift-flip":
        return flip(shifted, mirror)
    assert_never(policy)


def _padded(
    images: torch.Tensor, reach_y: int, reach_x: int, fill: torch.Tensor | None
) -> torch.Tensor:
    if fill is None:
        return functional.pad(images, (reach_x, reach_x, reach_y, reach_y))
    batch, channels, height, width = images.shape
    shape = (batch, channels, height + 2 * reach_y, width + 2 * reach_x)
    padded = fill.to(images.device).view(1, -1, 1, 1).expand(shape).clone()
    padded[..., reach_y : reach_y + height, reach_x : reach_x + width] = images
    return padded


def _generator(purpose: str, seed: int, epoch: int) -> torch.Generator:
    digest = hashlib.sha256(f"{purpose} {seed} {epoch}".encode()).digest()
    # 63 bits: torch refuses a seed beyond the signed range.
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
