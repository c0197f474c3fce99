"""Our own loop: the Trainer that every job runs, an epoch at a time."""

from __future__ import annotations

import torch

from peers.task import Batches, Loop, Task
from scaling_search.data.augment import Policy, normalise
from scaling_search.data.splits import ResidentSplit
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

SCORED_IMAGES = 64


def ours(task: Task, policy: Policy) -> Loop:
    """The loop on this task; each epoch is a training of its own, the weights go on."""
    model, train = task.model(), task.train
    recipe = Recipe(batch_size=task.batch_size, augment=policy)

    def epoch() -> int:
        trainer = Trainer(model, train, few(train), recipe, 1, task.seed, torch.device("cpu"))
        trainer.run()
        return trainer.total_steps * task.batch_size

    return Loop(model, _plain(task), epoch)


def few(split: ResidentSplit) -> ResidentSplit:
    """The first images of a split, where a Trainer must score but its score is not asked for."""
    first = split.images[:SCORED_IMAGES], split.labels[:SCORED_IMAGES]
    return ResidentSplit(*first, split.mean, split.std)


def _plain(task: Task) -> Batches:
    train = task.train
    for images, labels in train.batches(torch.arange(len(train)), task.batch_size):
        yield normalise(images, train.mean, train.std), labels
