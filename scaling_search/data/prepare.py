"""A part made ready at a resolution: cached on disk, then resident on the device or streamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.data.cache import Images, Notify, cache_folder, cached, quiet, unwritable
from scaling_search.data.prefetch import reader_count
from scaling_search.data.sources.base import Subset
from scaling_search.data.splits import ResidentSplit, Split, StreamedSplit
from scaling_search.data.splitting import Indices

# Up to here a split lies whole on the device. All that small images come to (CIFAR at 110 px,
# 10 000 colour images at 256 px) is below it, and a GPU of 8 GB still trains beside it.
RESIDENT_BYTES = 2 << 30
STATISTICS_IMAGES = 10_000  # of a streamed train split, so many tell mean and deviation
CHUNK_BYTES = 32 << 20

Statistics: TypeAlias = tuple[torch.Tensor, torch.Tensor]


def make_split(
    name: str, part: Subset, px: int, of_train: Statistics, device: torch.device, report: Notify
) -> Split:
    """The part at `px` × `px` on the device, with the mean and deviation of the train split."""
    labels = torch.from_numpy(part.labels)
    mean, std = of_train
    if _resident(part, px):
        images = torch.from_numpy(_images(name, part, px, report)).to(device)
        return ResidentSplit(images, labels, mean.to(device), std.to(device))
    _maker(name, part, px, report)  # what the readers will map is made here, once
    return StreamedSplit(
        ImageMaker(name, part, px),
        labels,
        mean.to(device),
        std.to(device),
        device,
        image_bytes=part.channels * px**2,
        readers=reader_count(device),
    )


@dataclass(frozen=True, eq=False)
class ImageMaker:
    """Makes the images at any positions of a part at `px`, in whichever process it is called."""

    name: str
    part: Subset
    px: int

    def __call__(self, at: torch.Tensor) -> torch.Tensor:
        """The images of these indices (int64, B), uint8, B × C × px × px."""
        return torch.from_numpy(self._make(at.numpy()))

    def __reduce__(self) -> tuple[type[ImageMaker], tuple[str, Subset, int]]:
        # A mapped file does not travel: each process maps its own.
        return ImageMaker, (self.name, self.part, self.px)

    @cached_property
    def _make(self) -> Callable[[Indices], Images]:
        return _maker(self.name, self.part, self.px, quiet)


def statistics(name: str, train: Subset, px: int, report: Notify) -> Statistics:
    """Mean and standard deviation of each channel (float32, C) in units of 0..1 at `px`.

    Over all images where the split is resident, else over 10 000 that are evenly spaced; those of
    the latter are kept in the cache, since each process would decode them anew.
    """
    count = len(train.labels)
    if _resident(train, px):
        return _statistics(name, train, px, np.arange(count), report)
    path = cache_folder() / "statistics" / f"{name}-{train.digest}-{px}px.json"
    computed = _cached_statistics(path, train.channels)
    if computed is None:
        sample = np.linspace(0, count - 1, min(count, STATISTICS_IMAGES)).astype(np.int64)
        computed = _statistics(name, train, px, sample, report)
        try:
            write_atomically(path, as_json([values.tolist() for values in computed]))
        except OSError as error:
            raise unwritable(error) from error
    return computed


def _cached_statistics(path: Path, channels: int) -> Statistics | None:
    try:
        mean, std = torch.tensor(json.loads(path.read_bytes()), dtype=torch.float32)
    except (OSError, ValueError, TypeError):  # absent or damaged: computed anew
        return None
    return (mean, std) if mean.shape == (channels,) else None


def _statistics(name: str, train: Subset, px: int, sample: Indices, report: Notify) -> Statistics:
    read = _reader(name, train, px, report)
    squares = np.arange(256, dtype=np.uint32) ** 2
    total, total_of_squares = np.zeros((2, train.channels), np.int64)
    for at in _chunks(len(sample), train.channels * px**2):
        images = read(sample[at])
        # Whole numbers: the sums do not depend on their order.
        total += images.sum((0, 2, 3), np.int64)
        total_of_squares += squares[images].sum((0, 2, 3), np.int64)
    pixels = len(sample) * px**2
    mean = total / pixels
    variance = total_of_squares / pixels - mean**2
    std = np.sqrt(np.maximum(variance, 1))  # images of one flat grey are not divided by zero
    return _per_channel(mean), _per_channel(std)


def _per_channel(values: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy((values / 255).astype(np.float32))


def _resident(part: Subset, px: int) -> bool:
    return len(part.labels) * part.channels * px**2 <= RESIDENT_BYTES


def _reader(name: str, part: Subset, px: int, report: Notify) -> Callable[[Indices], Images]:
    """What gives the images at any positions at `px`: a mapped file, or the files themselves."""
    if _resident(part, px):
        images = _images(name, part, px, report)
        return lambda at: images[at]
    return _maker(name, part, px, report)


def _maker(name: str, part: Subset, px: int, report: Notify) -> Callable[[Indices], Images]:
    """What makes the images at any positions at `px`, from the master if there is another."""
    master_px = part.master_px(px)
    if master_px is None or master_px == px:
        return lambda at: part.read(at, px)
    master = _images(name, part, master_px, report)
    return lambda at: part.resize(master[at], px)


def _images(name: str, part: Subset, px: int, report: Notify) -> Images:
    """All images of a part at `px`, mapped from the cache, made now where they aren't there."""
    count, channels = len(part.labels), part.channels

    def batches() -> Iterator[Images]:
        read = _maker(name, part, px, report)
        for at in _chunks(count, channels * max(px, part.master_px(px) or px) ** 2):
            yield read(at)
            report(f"preparing {name} at {px} px: {at[-1] + 1}/{count}")

    return cached(f"{name}-{part.digest}-{px}px", (count, channels, px, px), batches)


def _chunks(count: int, image_bytes: int) -> Iterator[Indices]:
    """0..count-1 in runs that take about 32 MiB."""
    size = max(1, min(512, CHUNK_BYTES // image_bytes))
    for first in range(0, count, size):
        yield np.arange(first, min(first + size, count))
