"""All that a training step changes, as tensors that go into a checkpoint and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, assert_never

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from scaling_search.core.number_formats import MemoryFormat
from scaling_search.nets.compilation import compiled
from scaling_search.training.averaging import AveragedWeights
from scaling_search.training.backbone import freeze, split_off
from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.recipe import Recipe

MEMORY_FORMATS: dict[MemoryFormat, torch.memory_format] = {
    "channels-last": torch.channels_last,
    "contiguous": torch.contiguous_format,
}

Forward = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TrainState:
    """A network in training: the model, its optimiser, its averaged copy and its loss scaler.

    `forward` gives the logits of a training step: the model itself, the model compiled, or the
    model in step with those of other processes. Its weights are the model's, so a checkpoint never
    shows which it was. Within `apart()` gradients stay in this process.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    averaged: AveragedWeights | None
    scaler: torch.amp.GradScaler
    forward: Forward
    apart: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def evaluated(self) -> nn.Module:
        """The weights that are scored: the averaged ones where the recipe averages."""
        return self.model if self.averaged is None else self.averaged.module

    def tensors(self) -> dict[str, torch.Tensor]:
        """Every tensor of the state by a name that says where it belongs, on the CPU."""
        tensors = dict(_prefixed("model", self.model.state_dict()))
        if self.averaged is not None:
            tensors |= _prefixed("averaged", self.averaged.state_dict())
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= _prefixed(f"optimizer.{index}", slots)
        tensors |= _prefixed("scaler", self.scaler.state_dict())
        return {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Put back what `tensors` returned; bitwise, on the same software and device."""
        self.model.load_state_dict(_without_prefix(tensors, "model"))
        if self.averaged is not None:
            self.averaged.load_state_dict(_without_prefix(tensors, "averaged"))
        parameters = [
            parameter for group in self.optimizer.param_groups for parameter in group["params"]
        ]
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _without_prefix(tensors, "optimizer").items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = _with_layout_of(parameters[int(index)], tensor)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        scaler = {
            name: tensor.item() for name, tensor in _without_prefix(tensors, "scaler").items()
        }
        self.scaler.load_state_dict(scaler)


def new_state(
    model: nn.Module, recipe: Recipe, device: torch.device, group: Group = ALONE
) -> TrainState:
    """The state before the first step; moves the model to the device in the recipe's format."""
    if recipe.backbone_rate == 0:
        freeze(model)
    if recipe.sync_batch_norm:
        model = group.synchronised(model, device)
    layout = MEMORY_FORMATS[recipe.memory_format]
    model.to(device=device, memory_format=layout)  # type: ignore[call-overload]  # not in torch's hints
    averaged = None
    if recipe.ema_decay:
        averaged = AveragedWeights(model, recipe.ema_decay, warms_up=recipe.ema_warmup)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")
    parallel_model = group.parallel(model, device)
    apart = (
        parallel_model.no_sync
        if isinstance(parallel_model, DistributedDataParallel)
        else nullcontext
    )
    forward: Forward = parallel_model
    if recipe.is_compiled:
        forward = compiled(parallel_model, recipe.compile)
    captured = recipe.compile == "graph" and device.type == "cuda"
    chosen_optimizer = (
        optimizer_in_graphs(model, recipe, device) if captured else optimizer(model, recipe)
    )
    return TrainState(model, chosen_optimizer, averaged, scaler, forward, apart)


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser; norms, biases and scales (all below two axes) are not decayed.

    The `rate_multiple` of a group is its rate as a multiple of the recipe's.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.training.recipe import Recipe
        >>> from scaling_search.training.train_state import optimizer
        >>> layer = nn.Sequential(nn.Linear(8, 4), nn.LayerNorm(4))
        >>> groups = optimizer(layer, Recipe(weight_decay=5e-4)).param_groups
        >>> [(len(group["params"]), group["weight_decay"]) for group in groups]
        [(1, 0.0005), (3, 0.0)]
    """
    return _optimizer(recipe, _groups(model, recipe))


def optimizer_in_graphs(
    model: nn.Module, recipe: Recipe, device: torch.device
) -> torch.optim.Optimizer:
    """The same with all that an update reads on the device, its rates too, and one kernel for SGD.

    torch's other form of SGD reads a rate that is a tensor back to the host.
    """
    groups = _groups(model, recipe)
    for group in groups:  # a tensor each: they are changed where they lie
        group["lr"] = torch.tensor(recipe.learning_rate, device=device)
    form = {"fused": True} if recipe.optimizer == "sgd" else {"capturable": True}
    return _optimizer(recipe, groups, **form)


def _groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    for parameters, multiple in _parts(model, recipe):
        trained = [p for p in parameters if p.requires_grad]
        for chosen, decay in (
            ([p for p in trained if p.ndim > 1], recipe.weight_decay),
            ([p for p in trained if p.ndim <= 1], 0.0),
        ):
            groups.append({"params": chosen, "weight_decay": decay, "rate_multiple": multiple})
    return groups


def _optimizer(recipe: Recipe, groups: list[dict[str, Any]], **form: Any) -> torch.optim.Optimizer:
    rate, momentum = recipe.learning_rate, recipe.momentum
    match recipe.optimizer:
        case "sgd":
            nesterov = momentum > 0
            return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=nesterov, **form)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, **form)
        case "rmsprop":
            # Decay 0.9 and epsilon 1e-3: EfficientNet, section 5.2.
            return torch.optim.RMSprop(
                groups, lr=rate, alpha=0.9, eps=1e-3, momentum=momentum, **form
            )
        case _:
            assert_never(recipe.optimizer)


def _parts(model: nn.Module, recipe: Recipe) -> list[tuple[list[nn.Parameter], float]]:
    """The parameters that learn at one rate, and that rate as a multiple of the recipe's."""
    if recipe.backbone_rate in (0, 1):
        return [(list(model.parameters()), 1.0)]
    backbone, classifier = split_off(model)
    return [(backbone, recipe.backbone_rate), (classifier, 1.0)]


def _with_layout_of(parameter: torch.Tensor, slot: torch.Tensor) -> torch.Tensor:
    """What the optimiser keeps of a parameter, with its strides; a count of steps has none.

    A file knows no strides. Momentum that comes back contiguous beside gradients that are
    channels-last takes a kernel a parameter, where one does for all of them.
    """
    if slot.shape != parameter.shape:
        return slot
    return torch.empty_like(parameter, dtype=slot.dtype, device=slot.device).copy_(slot)


def _prefixed(prefix: str, items: Mapping[str, Any]) -> Iterable[tuple[str, torch.Tensor]]:
    return [(f"{prefix}.{name}", torch.as_tensor(value)) for name, value in items.items()]


def _without_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
