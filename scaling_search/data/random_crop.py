"""ImageNet's usual crop: a random part of each image, at its own shape, made the whole image.

As torchvision's RandomResizedCrop, but for a whole batch at once, each image by its own draws. A
part is never larger than the image, so it is only ever enlarged and needs no antialiasing.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from scaling_search.data.transfer import to_device

SMALLEST_AREA = 0.08  # of the image; GoogLeNet, arXiv 1409.4842, section 6
LARGEST_RATIO = 4 / 3  # of width to height; the smallest is its inverse
_TABLE = 1024


def random_resized_crop(images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """A part of each image, enlarged to the whole and mirrored in half of the cases.

    `images` is uint8, B × C × px × px; the columns of `draws` (uniform in [0, 1), B × 5) decide
    vertical place, horizontal place, flip, area and ratio. Returns uint8 of the same shape.

    Examples:
        >>> import torch
        >>> from scaling_search.data.random_crop import random_resized_crop
        >>> images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
        >>> random_resized_crop(images, torch.full((2, 5), 0.5)).shape
        torch.Size([2, 3, 32, 32])
    """
    side = images.shape[-1]
    top, left, height, width = boxes(draws, side)
    rows, columns = _sources(top, height, side), _sources(left, width, side)
    mirrored = (draws[:, 2] < 0.5).view(-1, 1)
    columns = torch.where(mirrored, columns.flip(1), columns)
    # Expanded where the images are: the grid is a hundred times larger than what it is made of.
    rows, columns = to_device(rows, images.device), to_device(columns, images.device)
    square = (len(images), side, side)
    across, down = columns.unsqueeze(1).expand(square), rows.unsqueeze(2).expand(square)
    grid = torch.stack((across, down), dim=-1)
    sampled = functional.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.round_().to(torch.uint8)


def boxes(draws: torch.Tensor, side: int) -> tuple[torch.Tensor, ...]:
    """The top, left, height and width (int64, B) of each image's part, in pixels.

    Area and logarithm of the ratio are uniform where the part fits into the image, which is what
    torchvision gets by drawing until it fits.

    Examples:
        >>> import torch
        >>> from scaling_search.data.random_crop import boxes
        >>> draws = torch.tensor([[0.5, 0.5, 0.5, 1.0, 0.5]])  # the largest area, a ratio of 1
        >>> top, left, height, width = boxes(draws, side=224)
        >>> height.item(), width.item()
        (224, 224)
    """
    area = _area(draws[:, 3])
    widest = torch.clamp(-area.log(), max=math.log(LARGEST_RATIO))
    ratio = ((2 * draws[:, 4] - 1) * widest).exp()
    width, height = (
        (side * (area * shape).sqrt()).round().clamp(1, side) for shape in (ratio, 1 / ratio)
    )
    top, left = (
        (draw * (side - size + 1)).floor().clamp(max=side - 1)
        for draw, size in ((draws[:, 0], height), (draws[:, 1], width))
    )
    return top.long(), left.long(), height.long(), width.long()


def _area(chance: torch.Tensor) -> torch.Tensor:
    """The area that so large a share of all fitting parts stays below."""
    areas = np.linspace(SMALLEST_AREA, 1, _TABLE)
    # The range of ratios that fit: all of it up to 3/4, none but 1 for the whole image.
    fitting = np.minimum(math.log(LARGEST_RATIO), -np.log(areas))
    below = np.concatenate([[0.0], np.cumsum((fitting[1:] + fitting[:-1]) / 2)])
    return torch.from_numpy(np.interp(chance.numpy(), below / below[-1], areas)).float()


def _sources(start: torch.Tensor, size: torch.Tensor, side: int) -> torch.Tensor:
    """Where each of `side` pixels comes from, in grid_sample's units of -1..1 (B × side)."""
    start, size = start.view(-1, 1), size.view(-1, 1)
    at = (torch.arange(side) + 0.5) * size / side - 0.5
    # Never beyond the part's own border, as if it had been cut out first.
    at = start + torch.minimum(at.clamp(min=0), size - 1.0)
    return (2 * at + 1) / side - 1
