"""A split: labelled images that a training fetches by index, resident or streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias, cast

import torch

from scaling_search.core.errors import require
from scaling_search.data.prefetch import Read, read_ahead

Batch: TypeAlias = tuple[torch.Tensor, torch.Tensor]
"""Images (uint8, B × C × px × px) and their labels (int64, B), both on the split's device."""


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

    @property
    def bytes(self) -> int:
        """What it holds in memory."""

    def __len__(self) -> int:
        """The number of images."""

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices (int64, B) as uint8, B × C × px × px."""

    def batches(self, order: torch.Tensor, batch_size: int) -> Iterator[Batch]:
        """The images and labels of an order (int64), so many at a time; the last may be fewer.

        What is streamed is read ahead, so a training asks for all of an epoch at once. Closing
        the iterator early is allowed.
        """


@dataclass(frozen=True, eq=False)
class ResidentSplit:
    """A split whose images (uint8, N × C × px × px) lie whole on the device.

    On the CPU they may be a view of a mapped file, which several processes then share.
    """

    images: torch.Tensor
    labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    @property
    def bytes(self) -> int:
        """The images and their labels."""
        return self.images.nbytes + self.labels.nbytes

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices, on the device."""
        return self.images.index_select(0, indices.to(self.images.device))

    def batches(self, order: torch.Tensor, batch_size: int) -> Iterator[Batch]:
        """The images and labels of an order; order and labels go to the device once."""
        device = self.images.device
        indices, labels = order.to(device), self.labels[order.cpu()].to(device)
        for at, batch_labels in zip(
            torch.split(indices, batch_size), torch.split(labels, batch_size), strict=True
        ):
            yield self.images.index_select(0, at), batch_labels


@dataclass(frozen=True, eq=False)
class StreamedSplit:
    """A split too large to lie in memory: `read` makes the images when they are asked for.

    `read` takes indices (int64, B, CPU) and returns uint8, B × C × px × px, on the CPU. Batches
    are read ahead by so many processes (0: by this one, when they are asked for).
    """

    read: Read
    labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    device: torch.device
    image_bytes: int
    readers: int = 0

    @property
    def bytes(self) -> int:
        """The labels: the images stay where they are."""
        return self.labels.nbytes

    def __len__(self) -> int:
        return len(self.labels)

    def fetch(self, indices: torch.Tensor) -> torch.Tensor:
        """The images of these indices, read now and moved to the device."""
        return self.read(indices.cpu()).to(self.device)

    def batches(self, order: torch.Tensor, batch_size: int) -> Iterator[Batch]:
        """The images and labels of an order, read ahead and moved to the device."""
        chosen = torch.split(order.cpu(), batch_size)
        pin = self.device.type == "cuda"
        image_batches = read_ahead(
            self.read, chosen, self.readers, image_bytes=self.image_bytes, pin=pin
        )
        for indices, images in zip(chosen, image_batches, strict=True):
            labels = self.labels[indices].to(self.device, non_blocking=True)
            yield images.to(self.device, non_blocking=True), labels


def with_statistics(split: Split, mean: Sequence[float], std: Sequence[float]) -> Split:
    """The same images, normalised by another mean and deviation a channel (in units of 0..1).

    Raises UserError for another number of channels.
    """
    rule = f"images of {len(split.mean)} channels need as many means and deviations"
    counts = (len(mean), len(std))
    require(counts == (len(split.mean),) * 2, rule, counts)
    statistics = [torch.tensor(values, device=split.mean.device) for values in (mean, std)]
    return replace(
        cast(ResidentSplit | StreamedSplit, split), mean=statistics[0], std=statistics[1]
    )
