"""Networks of one shape side by side in one: their channels in a row, each in groups of its own."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import torch
from torch import nn


class Linears(nn.Module):
    """A linear layer for each network: B x (S * in) to B x S x out."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([each.weight.detach() for each in layers]))
        self.bias = nn.Parameter(torch.stack([each.bias.detach() for each in layers])[:, None])

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """One product of matrices for all."""
        apart = features.reshape(len(features), len(self.weight), -1).transpose(0, 1)
        return torch.baddbmm(self.bias, apart, self.weight.mT).transpose(0, 1)


def side_by_side(models: Sequence[nn.Module]) -> nn.Module:
    """A network from B x (S * C) x H x W to the logits of all, B x S x classes.

    Each is computed as it is alone, and has gradients of its own. Raises TypeError for a layer
    with weights that is no convolution, batch norm or linear layer.
    """
    whole = copy.deepcopy(models[0])
    for name, _ in list(whole.named_modules()):
        layers = [each.get_submodule(name) for each in models]
        if isinstance(layers[0], nn.Linear):
            parent, _, last = name.rpartition(".")
            there = whole.get_submodule(parent)
            there.register_module(last, Linears(cast("list[nn.Linear]", layers)))
        else:
            _widen(whole.get_submodule(name), layers)
    return whole


def _widen(layer: nn.Module, layers: Sequence[nn.Module]) -> None:
    if isinstance(layer, nn.Conv2d):
        layer.groups *= len(layers)
        layer.in_channels *= len(layers)
        layer.out_channels *= len(layers)
    elif isinstance(layer, nn.BatchNorm2d):
        layer.num_features *= len(layers)
    elif any(True for _ in layer.parameters(recurse=False)):
        raise TypeError(f"networks with a {type(layer).__name__} can't be put side by side")
    for name, value in list(layer.named_parameters(recurse=False)):
        joined = torch.cat([each.get_parameter(name).detach() for each in layers])
        layer.register_parameter(name, nn.Parameter(joined.contiguous(memory_format=_order(value))))
    for name, held in list(layer.named_buffers(recurse=False)):
        if held.ndim:  # not the number of batches
            layer.register_buffer(name, torch.cat([each.get_buffer(name) for each in layers]))


def _order(value: torch.Tensor) -> torch.memory_format:
    return torch.channels_last if value.ndim == 4 else torch.contiguous_format
