"""Trainings of one network from several seeds: at once in one process, or one after the other.

At once there are two ways: the networks side by side in one whose convolutions have as many groups
more, or weights with an axis of seeds in front and `torch.func.vmap`. The optimiser takes one step
for all. Each seed has its own weights, order and draws, as it has alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from peers.ours import few
from peers.side_by_side import side_by_side
from peers.task import Batches, Loop, Task
from scaling_search.data.augment import normalise
from scaling_search.data.splits import Batch
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

CPU = torch.device("cpu")
Logits = Callable[[Sequence[torch.Tensor]], torch.Tensor]
"""From the images of each seed (B x C x H x W) to all logits, B x S x classes."""


def trainers(task: Task, dtype: torch.dtype = torch.float32) -> list[Trainer]:
    """A training for each seed, not begun; without dropout, whose chance would be another."""
    still = replace(task, network=replace(task.network, dropout=0.0))
    recipe = Recipe(batch_size=task.batch_size, augment="shift-flip")
    found = []
    for seed in range(task.seeds):
        model = replace(still, seed=seed).model().to(dtype)
        found.append(Trainer(model, task.train, few(task.train), recipe, 10**6, seed, CPU))
    return found


@dataclass
class AtOnce:
    """The trainings of all seeds as one; of the recipe what SGD needs."""

    trainers: Sequence[Trainer]
    logits: Logits
    optimizer: torch.optim.Optimizer
    step: int = 0

    def epoch(self) -> int:
        """Train all seeds for an epoch; the images of all of them."""
        first = self.trainers[0]
        parts = [one._parts(self.step // first.steps_per_epoch, 0) for one in self.trainers]
        for batches in zip(*parts, strict=True):
            self.learn(batches)
        return first.steps_per_epoch * first.recipe.batch_size * len(self.trainers)

    def learn(self, batches: Sequence[Batch]) -> torch.Tensor:
        """One step of all seeds, each on its own batch; their losses."""
        first = self.trainers[0]
        rate = first.recipe.learning_rate_at(self.step, first.total_steps, first.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        logits = self.logits([images for images, _ in batches])
        labels = torch.stack([each for _, each in batches], 1)
        smoothing = first.recipe.label_smoothing
        each = functional.cross_entropy(
            logits.flatten(0, 1), labels.flatten(), label_smoothing=smoothing, reduction="none"
        )
        losses = each.view_as(labels).mean(0)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return losses.detach()


def grouped(each: Sequence[Trainer]) -> AtOnce:
    """The networks side by side."""
    whole = side_by_side([one.state.model for one in each]).train()
    # Of four axes a convolution's, of three those of `Linears`; their biases are B x 1 x out.
    weights = [p.ndim == 4 or (p.ndim == 3 and p.shape[1] > 1) for p in whole.parameters()]
    optimizer = _optimizer(list(whole.parameters()), weights, each[0].recipe)

    def logits(images: Sequence[torch.Tensor]) -> torch.Tensor:
        row = torch.cat(list(images), 1).contiguous(memory_format=torch.channels_last)
        found: torch.Tensor = whole(row)
        return found

    return AtOnce(each, logits, optimizer)


def stacked(each: Sequence[Trainer]) -> AtOnce:
    """The weights with an axis of seeds in front."""
    models = [one.state.model.train() for one in each]
    frame = copy.deepcopy(models[0]).to("meta")
    parameters, buffers = stack_module_state(models)
    weights = [value.ndim > 2 for value in parameters.values()]
    optimizer = _optimizer(list(parameters.values()), weights, each[0].recipe)
    several = vmap(lambda p, b, images: functional_call(frame, {**p, **b}, (images,)))
    return AtOnce(
        each,
        lambda images: several(parameters, buffers, torch.stack(list(images))).transpose(0, 1),
        optimizer,
    )


def _optimizer(
    parameters: Sequence[nn.Parameter], decayed: Sequence[bool], recipe: Recipe
) -> torch.optim.Optimizer:
    """The optimiser of `training.train_state`; `decayed` are a layer's weights."""
    both = list(zip(parameters, decayed, strict=True))
    groups = [
        {"params": [p for p, is_weight in both if is_weight], "weight_decay": recipe.weight_decay},
        {"params": [p for p, is_weight in both if not is_weight], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(groups, lr=0.0, momentum=recipe.momentum, nesterov=True)


WAYS: dict[str, Callable[[Sequence[Trainer]], AtOnce]] = {"grouped": grouped, "stacked": stacked}


def losses_apart(task: Task, steps: int, dtype: torch.dtype) -> torch.Tensor:
    """The losses of the first steps of each seed alone (steps x seeds)."""
    found = [list(_losses(one, steps)) for one in trainers(task, dtype)]
    return torch.tensor(found, dtype=torch.float64).T


def losses_at_once(task: Task, way: str, steps: int, dtype: torch.dtype) -> torch.Tensor:
    """The same of all seeds at once."""
    all_ = WAYS[way](trainers(task, dtype))
    parts = [_as(one._parts(0, 0), dtype) for one in all_.trainers]
    found = [all_.learn([next(part) for part in parts]) for _ in range(steps)]
    return torch.stack(found).double()


def _losses(one: Trainer, steps: int) -> Iterator[float]:
    one.state.model.train()
    dtype = next(one.state.model.parameters()).dtype
    one.loss_sum = one.loss_sum.to(dtype)
    parts, before = _as(one._parts(0, 0), dtype), 0.0
    for _ in range(steps):
        one._learn(iter([next(parts)]))
        yield one.loss_sum.item() - before
        before = one.loss_sum.item()


def _as(batches: Iterator[Batch], dtype: torch.dtype) -> Iterator[Batch]:
    return ((images.to(dtype), labels) for images, labels in batches)


def at_once(task: Task, way: str) -> Loop:
    """An epoch of all seeds in one process at once."""
    return Loop(task.model(), _plain(task), WAYS[way](trainers(task)).epoch)


def in_turn(task: Task) -> Loop:
    """An epoch of each seed, one after the other."""
    each = trainers(task)
    return Loop(task.model(), _plain(task), lambda: sum(_an_epoch(one) for one in each))


def _an_epoch(one: Trainer) -> int:
    one.state.model.train()
    for batch in one._parts(one.step // one.steps_per_epoch, 0):
        one._learn(iter([batch]))
    return one.steps_per_epoch * one.recipe.batch_size


def _plain(task: Task) -> Batches:
    train = task.train
    for images, labels in train.batches(torch.arange(len(train)), task.batch_size):
        yield normalise(images, train.mean, train.std), labels
