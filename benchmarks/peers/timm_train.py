"""The loop of timm's train.py: its loader, its optimiser, its schedule, its loss, by its defaults.

Of its augmentations only crop and flip are on, so that all loops do the same work. timm is needed
here alone: `pip install timm`.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import torch

from peers.task import Loop, Pictures, Task

EPOCHS = 300
HINT = "timm is not installed: `pip install timm` adds it as a peer"


def installed() -> bool:
    """Whether there is a timm to compare with."""
    return find_spec("timm") is not None


def timm_train(task: Task) -> Loop:
    """The loop on this task."""
    model = task.model()
    return Loop(model, _loader(task, training=False), Epochs(model, _loader(task, training=True)))


def _loader(task: Task, *, training: bool) -> Any:
    px, (mean, std) = task.network.resolution_px, task.normalisation
    return importlib.import_module("timm.data").create_loader(
        Pictures(task.train),
        input_size=(1, px, px),
        batch_size=task.batch_size,
        is_training=training,
        color_jitter=None,
        crop_pct=1.0,
        mean=mean,
        std=std,
        num_workers=task.loaders if training else 0,
        device=torch.device("cpu"),
    )


class Epochs:
    """`train_one_epoch`, without what is only done on a GPU or when a flag asks for it."""

    def __init__(self, model: torch.nn.Module, loader: Any) -> None:
        self.model, self.loader, self.epoch = model, loader, 0
        self.criterion = importlib.import_module("timm.loss").LabelSmoothingCrossEntropy(0.1)
        make = importlib.import_module("timm.optim").create_optimizer_v2
        self.optimizer = make(model, opt="sgd", lr=0.1, momentum=0.9, weight_decay=2e-5)
        schedule = importlib.import_module("timm.scheduler").create_scheduler_v2
        self.schedule, _ = schedule(
            self.optimizer, sched="cosine", num_epochs=EPOCHS, updates_per_epoch=len(loader)
        )

    def __call__(self) -> int:
        """Train one epoch."""
        self.model.train()
        self.optimizer.zero_grad()
        images = 0
        for index, (batch, target) in enumerate(self.loader):
            loss = self.criterion(self.model(batch), target)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            images += len(batch)
            self.schedule.step_update(num_updates=self.epoch * len(self.loader) + index + 1)
        self.epoch += 1
        self.schedule.step(self.epoch)
        return images
