"""A user's own network, as a function: two blocks of plain convolutions."""

from __future__ import annotations

import math

import torch
from torch import nn

from scaling_search.arch.scaling import Multipliers


def make(multipliers: Multipliers) -> nn.Module:
    """Grey images, 20 classes; deeper means more convolutions, wider more channels."""
    channels = round(8 * multipliers.width)
    layers: list[nn.Module] = [nn.Conv2d(1, channels, 3, 2, 1), nn.ReLU()]
    for _ in range(math.ceil(2 * multipliers.depth)):
        layers += [nn.Conv2d(channels, channels, 3, 1, 1), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 20))


def ten_classes(multipliers: Multipliers) -> nn.Module:
    """A network whose logits do not fit 20 classes."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 10))


def colour(multipliers: Multipliers) -> nn.Module:
    """A network for colour images."""
    return nn.Sequential(nn.Conv2d(3, 20, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def broken(multipliers: Multipliers) -> nn.Module:
    """A function with a mistake in it."""
    raise ZeroDivisionError("depth over nothing")


def no_module(multipliers: Multipliers) -> torch.Tensor:
    """A function that makes something else."""
    return torch.zeros(1)


class Frozen(nn.BatchNorm2d):
    """A batch norm that keeps its statistics in training."""

    def train(self, mode: bool = True) -> Frozen:
        """Stay as in evaluation."""
        return super().train(False)


def frozen(multipliers: Multipliers) -> nn.Module:
    """A network whose batch norms never see a batch."""
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 20)
    return nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), Frozen(8), *head)


class Forgetful(nn.Module):
    """A network whose mistake shows in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.body = make(Multipliers())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, or a mistake."""
        if self.training and images.device.type != "meta":
            raise KeyError("the key that nobody gave")
        logits: torch.Tensor = self.body(images)
        return logits


def fails_in_training(multipliers: Multipliers) -> nn.Module:
    """A network with a mistake that nobody meets before the first step."""
    return Forgetful()


NOT_A_FUNCTION = 3
