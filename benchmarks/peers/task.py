"""What every loop trains: one network on one split, and how a loop shows itself to a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

from scaling_search.arch.spec import Architecture
from scaling_search.data.splits import ResidentSplit
from scaling_search.nets.build import build

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Task:
    """A network, its images (grey) and the batch; `loaders` is how many processes may load.

    `seeds` is how many trainings a loop of several does, from seed 0 on.
    """

    network: Architecture
    train: ResidentSplit
    batch_size: int
    loaders: int
    seed: int = 0
    seeds: int = 1

    def model(self) -> nn.Module:
        """The network with the same fresh weights for every loop."""
        torch.manual_seed(self.seed)
        return build(self.network)

    @property
    def normalisation(self) -> tuple[list[float], list[float]]:
        """The mean and deviation of the images, in units of 0..1."""
        return self.train.mean.tolist(), self.train.std.tolist()


@dataclass(frozen=True)
class Loop:
    """A loop ready to run: `epoch` trains once over the images and says how many there were.

    `plain` gives the same images in order as the loop would score them, in batches.
    """

    model: nn.Module
    plain: Batches
    epoch: Callable[[], int]


class Pictures(Dataset[tuple[Any, int]]):
    """The images of a split as PIL pictures, which is how a file comes out of its decoder."""

    def __init__(self, split: ResidentSplit, transform: Callable[[Any], Any] | None = None) -> None:
        self.images, self.labels = split.images[:, 0].numpy(), split.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        picture: Any = Image.fromarray(self.images[index])
        return (self.transform(picture) if self.transform else picture), self.labels[index]
