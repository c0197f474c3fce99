"""The loop of the tutorials: PIL transforms, DataLoader, Adam, images as torch lays them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from peers.task import Batches, Loop, Pictures, Task
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

LEARNING_RATE = 1e-3  # Adam's own


def tutorial(task: Task, *, crop: bool = True) -> Loop:
    """The loop on this task; the images are cropped out of padded ones, or left as they are."""
    px = task.network.resolution_px
    plain = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(*task.normalisation)]
    )
    moved = [transforms.RandomCrop(px, padding=px // 8)] if crop else []
    augmented = transforms.Compose([*moved, plain])
    batches = DataLoader(
        Pictures(task.train, augmented),
        batch_size=task.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=task.loaders,
        persistent_workers=task.loaders > 0,
    )
    model = task.model()
    steps = training(model, batches)
    return Loop(
        model,
        DataLoader(Pictures(task.train, plain), batch_size=task.batch_size),
        lambda: sum(next(steps) for _ in range(len(batches))),
    )


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
