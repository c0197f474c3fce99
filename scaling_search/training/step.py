"""One step of the optimiser: forward and backward of each part of a batch, then the update."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext

import torch
from torch import nn
from torch.nn import functional

from scaling_search.core.errors import UserError
from scaling_search.nets.compilation import no_fallback
from scaling_search.training.evaluate import autocast
from scaling_search.training.recipe import Recipe
from scaling_search.training.train_state import TrainState


def train_step(
    state: TrainState,
    recipe: Recipe,
    learning_rate: float,
    parts: Iterable[tuple[torch.Tensor, torch.Tensor]],
    device: torch.device,
) -> torch.Tensor:
    """Take one step on a batch that comes in `recipe.accumulate` equal parts; its mean loss.

    Of several processes each has its own part of the batch, and its own loss. Each part is its
    images (float32, B × C × H × W) and labels (B). Raises UserError when the network can't be
    compiled as the recipe asks.
    """
    set_rate(state.optimizer, learning_rate)
    loss = update(state, recipe, parts, device)
    average(state)
    return loss


def set_rate(optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    """Let the next update take this rate; a rate that is a tensor stays where it lies."""
    for group in optimizer.param_groups:
        rate = learning_rate * group["rate_multiple"]
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def update(
    state: TrainState,
    recipe: Recipe,
    parts: Iterable[tuple[torch.Tensor, torch.Tensor]],
    device: torch.device,
) -> torch.Tensor:
    """Change the weights by the gradients of a batch, at the rate that is set; its mean loss."""
    if recipe.is_compiled:
        loss = _compiled_gradients(state, recipe, parts, device)
    else:
        loss = _gradients(state, recipe, parts, device)
    if recipe.clip_norm:
        state.scaler.unscale_(state.optimizer)
        nn.utils.clip_grad_norm_(state.model.parameters(), recipe.clip_norm)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.optimizer.zero_grad(set_to_none=True)
    return loss


def average(state: TrainState) -> None:
    """Let the averaged weights follow, where there are any."""
    if state.averaged is not None:
        state.averaged.update()


def seed_dropout(number: int, device: torch.device) -> None:
    """Seed what dropout and stochastic depth draw from on this device."""
    if device.type == "cpu":
        # What torch.manual_seed does for it too, without asking every other kind of device.
        torch.default_generator.manual_seed(number)
    else:
        torch.manual_seed(number)


def _gradients(
    state: TrainState,
    recipe: Recipe,
    parts: Iterable[tuple[torch.Tensor, torch.Tensor]],
    device: torch.device,
) -> torch.Tensor:
    total = torch.zeros((), device=device)
    for number, (images, labels) in enumerate(parts, 1):
        # Processes exchange the sum of all parts, once.
        with nullcontext() if number == recipe.accumulate else state.apart():
            with autocast(device, recipe):
                logits = state.forward(images)
                smoothing = recipe.label_smoothing
                loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
            if recipe.accumulate > 1:
                loss = loss / recipe.accumulate
            state.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        total += loss.detach().float()
    return total


def _compiled_gradients(
    state: TrainState,
    recipe: Recipe,
    parts: Iterable[tuple[torch.Tensor, torch.Tensor]],
    device: torch.device,
) -> torch.Tensor:
    # torch._dynamo is loaded by now, and takes seconds where it is not.
    from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

    try:
        with no_fallback():
            return _gradients(state, recipe, parts, device)
    except (TorchDynamoException, FailOnRecompileLimitHit) as error:
        reason = " ".join(str(error).split("\n")[:2])
        raise UserError(
            f"compile must be 'off' where torch can't compile the network, got "
            f"{recipe.compile!r}: {reason}"
        ) from error
