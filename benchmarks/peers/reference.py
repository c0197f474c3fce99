"""The loop of torchvision's references/classification/train.py, its calls in its order."""

from __future__ import annotations

from collections import deque

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler
from torchvision import transforms

from peers.task import Loop, Pictures, Task

WINDOW = 20


class Smoothed:
    """The last values and their total, as `utils.SmoothedValue`."""

    def __init__(self) -> None:
        self.window: deque[float] = deque(maxlen=WINDOW)
        self.total, self.count = 0.0, 0

    def update(self, value: float, n: int = 1) -> None:
        """Take up a value that stands for `n` images."""
        self.window.append(value)
        self.total, self.count = self.total + value * n, self.count + n


def reference(task: Task) -> Loop:
    """The loop on this task, with `presets.ClassificationPresetTrain` of its PIL backend."""
    px = task.network.resolution_px
    tensor = [
        transforms.PILToTensor(),
        transforms.ConvertImageDtype(torch.float),
        transforms.Normalize(*task.normalisation),
    ]
    preset = transforms.Compose(
        [transforms.RandomResizedCrop(px), transforms.RandomHorizontalFlip(), *tensor]
    )
    pictures = Pictures(task.train, preset)
    batches = DataLoader(
        pictures,
        batch_size=task.batch_size,
        sampler=RandomSampler(pictures),
        drop_last=True,
        num_workers=task.loaders,
        persistent_workers=task.loaders > 0,
    )
    scored = Pictures(task.train, transforms.Compose(tensor))
    model = task.model()
    return Loop(model, DataLoader(scored, batch_size=task.batch_size), Epochs(model, batches))


class Epochs:
    """`train_one_epoch`, then a step of the schedule."""

    def __init__(self, model: nn.Module, batches: DataLoader[tuple[torch.Tensor, int]]) -> None:
        self.model, self.batches = model, batches
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4
        )
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=90)

    def __call__(self) -> int:
        """Train one epoch."""
        self.model.train()
        meters = {name: Smoothed() for name in ("loss", "lr", "acc1", "acc5")}
        for images, target in self.batches:
            output = self.model(images)
            loss = self.criterion(output, target)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            first, fifth = _accuracy(output, target)
            meters["loss"].update(loss.item())
            meters["lr"].update(self.optimizer.param_groups[0]["lr"])
            meters["acc1"].update(first.item(), len(images))
            meters["acc5"].update(fifth.item(), len(images))
        self.schedule.step()
        return meters["acc1"].count


@torch.inference_mode()
def _accuracy(output: torch.Tensor, target: torch.Tensor) -> list[torch.Tensor]:
    """`utils.accuracy` for the first and the first five."""
    _, found = output.topk(5, 1, True, True)
    right = found.t().eq(target[None])
    return [right[:k].flatten().sum(dtype=torch.float32) * (100.0 / len(target)) for k in (1, 5)]
