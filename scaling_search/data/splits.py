"""A split: labelled images that a training fetches by index, resident or streamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch


class Split(Protocol):
    """What training and scoring need of a split.

    `labels` is int64 (N) on the CPU; `mean` and `std` are float32 (C) in units of 0..1, those of
    the train split for all three splits.
    """

    @property
    def labels(self) -> torch.Tensor:
        """The class index of each image."""

    @property
    def mean(self) -> torch.Tensor:
        """The mean of each channel of the train split."""

    @property
    def std(self) -> torch.Tensor:
        """The standard deviation of each channel of the train split."""

    def __len__(self) -> int:
        """The number of images."""

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices (int64, B) as uint8, B × C × px × px."""


@dataclass(frozen=True, eq=False)
class ResidentSplit:
    """A split whose images (uint8, N × C × px × px) lie whole on the device.

    On the CPU they may be a view of a mapped file, which several processes then share.
    """

    images: torch.Tensor
    labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices, on the device."""
        return self.images.index_select(0, indices.to(self.images.device))


@dataclass(frozen=True, eq=False)
class StreamedSplit:
    """A split too large to lie in memory: `read` makes the images when they are asked for.

    `read` takes indices (int64, B, CPU) and returns uint8, B × C × px × px, on the CPU.
    """

    read: Callable[[torch.Tensor], torch.Tensor]
    labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    device: torch.device

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices, read now and moved to the device."""
        return self.read(indices.cpu()).to(self.device)
