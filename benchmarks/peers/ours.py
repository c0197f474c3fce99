"""Our own loop: the Trainer that every job runs, an epoch at a time."""

from __future__ import annotations

import torch
from peers.task import Batches, Loop, Task

from scaling_search.data.augment import Policy, normalise
from scaling_search.data.splits import ResidentSplit
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

SCORED_IMAGES = 64  # a Trainer ends each epoch with a score; here it shall be short


def ours(task: Task, policy: Policy) -> Loop:
    """The loop on this task; each epoch is a training of its own, the weights go on."""
    model, train = task.model(), task.train
    few = ResidentSplit(
        train.images[:SCORED_IMAGES], train.labels[:SCORED_IMAGES], train.mean, train.std
    )
    recipe = Recipe(batch_size=task.batch_size, augment=policy)

    def epoch() -> int:
        trainer = Trainer(model, train, few, recipe, 1, task.seed, torch.device("cpu"))
        trainer.run()
        return trainer.total_steps * task.batch_size

    return Loop(model, _plain(task), epoch)


def _plain(task: Task) -> Batches:
    train = task.train
    for indices in torch.arange(len(train)).split(task.batch_size):
        yield normalise(train.fetch(indices), train.mean, train.std), train.labels[indices]
