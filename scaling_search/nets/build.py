"""Architectures as torch modules, made from the same layers that are counted."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import assert_never, cast

from torch import nn

from scaling_search.arch import blocks, layers
from scaling_search.arch.layers import ActivationKind, Layer
from scaling_search.arch.protocol import Network, SelfScalingNetwork
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.nets.modules import (
    GlobalPool,
    LayerNorm,
    Residual,
    SameConv,
    Scale,
    SqueezeExcitation,
)


def build(
    architecture: Network,
    num_classes: int | None = None,
    in_channels: int | None = None,
    drop_path: float = 0.0,
) -> nn.Module:
    """The network with fresh weights, from B × in_channels × H × W to B × num_classes logits.

    What is None is taken from the architecture. `drop_path` is the chance that the last block is
    skipped in training; it rises linearly from block to block (arXiv 1603.09382). Weights come
    from torch's generator. Raises UserError for a drop_path outside [0, 1).
    A network that no table describes builds itself; `drop_path` is its own affair.

    Examples:
        >>> import torch
        >>> from scaling_search import build, count
        >>> from scaling_search.arch import zoo
        >>> b0 = zoo.get("efficientnet-b0")
        >>> model = build(b0, num_classes=10)
        >>> sum(parameter.numel() for parameter in build(b0).parameters()) == count(b0).params
        True
        >>> model.eval()(torch.zeros(2, 3, 224, 224)).shape
        torch.Size([2, 10])
    """
    require(0 <= drop_path < 1, "drop_path must lie in [0, 1)", drop_path)
    if not isinstance(architecture, Architecture):
        return _self_scaling_module(
            cast(SelfScalingNetwork, architecture), num_classes, in_channels
        )
    a = architecture.fitted(num_classes=num_classes, in_channels=in_channels)
    network = nn.Sequential(
        OrderedDict(
            stem=module_of(blocks.stem(a)),
            stages=_stages(a, drop_path),
            head=module_of(blocks.head(a)),
        )
    )
    if not next(network.parameters()).is_meta:  # there are no numbers to draw, only slow ways to it
        network.apply(_initialise)
    return network


def _self_scaling_module(
    network: SelfScalingNetwork, num_classes: int | None, in_channels: int | None
) -> nn.Module:
    """A network that builds itself; it has its own classes, channels and stochastic depth."""
    request = (num_classes or network.num_classes, in_channels or network.in_channels)
    fixed = (network.num_classes, network.in_channels)
    require(request == fixed, f"{network.name} has classes and channels {fixed}", request)
    return cast(nn.Module, network.module())


def module_of(layer: Layer, drop_path: float = 0.0) -> nn.Module:
    """One layer, with all it holds, as a module; `drop_path` goes to its residuals.

    Examples:
        >>> from scaling_search.arch.layers import Conv
        >>> from scaling_search.nets.build import module_of
        >>> module_of(Conv(3, 32, kernel=3, stride=2))
        Conv2d(3, 32, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
    """
    match layer:
        case layers.Conv():
            return _conv(layer)
        case layers.MaxPool():
            return nn.MaxPool2d(layer.kernel, layer.stride, layer.kernel // 2)
        case layers.Norm():
            return _norm(layer)
        case layers.Activation():
            return _activation(layer.kind)
        case layers.Scale():
            return Scale(layer.channels, layer.initial)
        case layers.SqueezeExcitation():
            activation = _activation(layer.activation)
            return SqueezeExcitation(_conv(layer.reduce), activation, _conv(layer.expand))
        case layers.GlobalPool():
            return GlobalPool()
        case layers.Dropout():
            return nn.Dropout(layer.rate)
        case layers.Linear():
            return nn.Linear(layer.in_features, layer.out_features)
        case layers.Residual():
            shortcut = module_of(layer.shortcut) if layer.shortcut else nn.Identity()
            return Residual(module_of(layer.body), shortcut, drop_path)
        case layers.Sequence():
            parts = [(name, module_of(item, drop_path)) for name, item in layer.items]
            return nn.Sequential(OrderedDict(parts))
        case _:
            assert_never(layer)


def _stages(architecture: Architecture, drop_path: float) -> nn.Sequential:
    total = sum(stage.repeats for stage in architecture.stages)
    stages, number = nn.Sequential(), 0
    for in_channels, stage in architecture.staged():
        sequence = nn.Sequential()
        for repeat in range(stage.repeats):
            first, number = repeat == 0, number + 1
            entering, stride = (in_channels, stage.stride) if first else (stage.channels, 1)
            layer = blocks.block(stage, entering, stride, architecture.style)
            sequence.append(module_of(layer, drop_path * number / total))
        stages.append(sequence)
    return stages


def _conv(conv: layers.Conv) -> nn.Conv2d:
    kind = SameConv if conv.same else nn.Conv2d
    return kind(
        conv.in_channels,
        conv.out_channels,
        conv.kernel,
        conv.stride,
        0 if conv.same else conv.padding,
        groups=conv.groups,
        bias=conv.bias,
    )


def _norm(norm: layers.Norm) -> nn.Module:
    match norm.kind:
        case "batch":
            return nn.BatchNorm2d(norm.channels, norm.eps, norm.momentum)
        case "layer":
            return LayerNorm(norm.channels, norm.eps)
        case _:
            assert_never(norm.kind)


def _activation(kind: ActivationKind) -> nn.Module:
    match kind:
        case "relu":
            return nn.ReLU(inplace=True)
        case "relu6":
            return nn.ReLU6(inplace=True)
        case "silu":
            return nn.SiLU(inplace=True)
        case "gelu":
            return nn.GELU()
        case "sigmoid":
            return nn.Sigmoid()
        case _:
            assert_never(kind)


def _initialise(module: nn.Module) -> None:
    """Initialise one module as torchvision's EfficientNet does."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        bound = 1 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -bound, bound)
        nn.init.zeros_(module.bias)
