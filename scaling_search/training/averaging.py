"""Weights averaged over the steps of a training: one kernel a step, and the device is never asked.

torch's AveragedModel counts its steps in a tensor, which it reads back at every one, and follows
each whole number of a batch norm by kernels of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

COUNT, MODULE = "n_averaged", "module."  # as in torch's AveragedModel, so old checkpoints fit


class AveragedWeights:
    """A copy of a model, `module`, whose floating-point numbers follow those of the model.

    The first step copies; at step n they keep `decay` of what they were, and with `warms_up`
    min(decay, (1 + n) / (10 + n)): tf.train.ExponentialMovingAverage with `num_updates`, as
    EfficientNet's main.py has it. Whole numbers are the model's own.

    Examples:
        >>> from torch import nn
        >>> from scaling_search.training.averaging import AveragedWeights
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> averaged = AveragedWeights(layer, decay=0.5, warms_up=False)
        >>> for weight in (0.0, 8.0, 8.0):
        ...     _ = nn.init.constant_(layer.weight, weight)
        ...     averaged.update()
        >>> averaged.module.weight.item()
        6.0
    """

    def __init__(self, model: nn.Module, decay: float, *, warms_up: bool) -> None:
        self.module = copy.deepcopy(model)
        self.steps = 0
        self._decay, self._warms_up = decay, warms_up
        self._sources = _Tensors(model)
        self._averages = _Tensors(self.module).current()
        self._floats = [tensor.is_floating_point() for tensor in self._averages]

    @torch.no_grad()
    def update(self) -> None:
        """Follow the model's weights as they are now."""
        self.steps += 1
        if self.steps == 1:
            torch._foreach_copy_(self._averages, self._sources.current())
            return
        torch._foreach_lerp_(*self._pairs(floats=True), 1 - self._decay_now())
        integers, current = self._pairs(floats=False)
        if integers:
            torch._foreach_copy_(integers, current)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """All of it by name."""
        weights = {MODULE + name: value for name, value in self.module.state_dict().items()}
        return {COUNT: torch.tensor(self.steps), **weights}

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state_dict` returned."""
        self.steps = int(state[COUNT])
        weights = {name: value for name, value in state.items() if name != COUNT}
        self.module.load_state_dict({n.removeprefix(MODULE): v for n, v in weights.items()})

    def _pairs(self, *, floats: bool) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Our tensors of this kind, and those that they follow."""
        every = zip(self._averages, self._sources.current(), self._floats, strict=True)
        chosen = [(average, current) for average, current, is_float in every if is_float == floats]
        return [average for average, _ in chosen], [current for _, current in chosen]

    def _decay_now(self) -> float:
        n = self.steps
        return min(self._decay, (1 + n) / (10 + n)) if self._warms_up else self._decay


class _Tensors:
    """The parameters and buffers of a model, found without walking through it again."""

    def __init__(self, model: nn.Module) -> None:
        self._parameters: list[torch.Tensor] = list(model.parameters())
        named = {id(buffer): name for name, buffer in model.named_buffers()}
        owners = [name.rpartition(".") for name in named.values()]
        self._buffer_slots = [
            (model.get_submodule(owner)._buffers, name) for owner, _, name in owners
        ]

    def current(self) -> list[torch.Tensor]:
        """All of them; a model may replace a buffer by another tensor at any step."""
        buffers = [cast("torch.Tensor", buffers[name]) for buffers, name in self._buffer_slots]
        return self._parameters + buffers
