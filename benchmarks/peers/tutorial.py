"""The loop of the tutorials: PIL transforms, DataLoader, Adam, images as torch lays them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from peers.task import Batches, Loop, Pictures, Task

LEARNING_RATE = 1e-3  # Adam's own


def tutorial(task: Task) -> Loop:
    """The loop on this task; the images are cropped out of padded ones."""
    model, batches = task.model(), tutorial_batches(task, crop=True)
    steps = training(model, batches)
    scored = Pictures(task.train, _tensor(task))
    return Loop(
        model,
        DataLoader(scored, batch_size=task.batch_size),
        lambda: sum(next(steps) for _ in range(len(batches))),
    )


def tutorial_batches(task: Task, *, crop: bool) -> DataLoader[tuple[Any, int]]:
    """The images in a new order every time, as they are or cropped out of padded ones."""
    px = task.network.resolution_px
    moved = [transforms.RandomCrop(px, padding=px // 8)] if crop else []
    return DataLoader(
        Pictures(task.train, transforms.Compose([*moved, _tensor(task)])),
        batch_size=task.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=task.loaders,
        persistent_workers=task.loaders > 0,
    )


def _tensor(task: Task) -> Any:
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(*task.normalisation)])


def training(model: nn.Module, batches: Batches) -> Iterator[int]:
    """Train without end; gives the number of images after each step."""
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    running = 0.0
    while True:
        for images, labels in batches:
            model.train()
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            running += loss.item()
            yield len(images)
