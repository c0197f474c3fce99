"""The multiply-adds of a training step, against torch's counter where that can be trusted."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from scaling_search.arch import zoo
from scaling_search.arch.layers import Conv
from scaling_search.cost.analytic import cost_of
from scaling_search.cost.training_macs import training_macs
from scaling_search.nets.build import build


def test_b0_trains_at_2_97_times_its_forward_pass() -> None:
    macs = training_macs(zoo.get("efficientnet-b0"))
    assert macs.forward == 385_814_752
    assert macs.input_gradients == macs.forward - 27 * 32 * 112**2
    assert macs.total / macs.forward == pytest.approx(2.97, abs=0.005)


class _Split(nn.Module):
    """A grouped convolution as what it is: one ordinary convolution a group."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        ins, outs = conv.in_channels // conv.groups, conv.out_channels // conv.groups
        # torch says of a Conv2d's pairs that they are tuples of any length.
        window: dict[str, Any] = {
            "kernel_size": conv.kernel_size,
            "stride": conv.stride,
            "padding": conv.padding,
        }
        self.parts = nn.ModuleList(
            nn.Conv2d(ins, outs, **window, bias=False) for _ in range(conv.groups)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pieces = images.chunk(len(self.parts), 1)
        return torch.cat([part(piece) for part, piece in zip(self.parts, pieces, strict=True)], 1)


def _torch_macs(model: nn.Module, images: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    return int(counter.get_total_flops()) // 2


def test_split_into_ordinary_convolutions_torchs_counter_agrees_to_the_integer() -> None:
    micro = zoo.get("micro")
    px = micro.resolution_px
    with torch.device("meta"):
        model, images = build(micro), torch.empty(1, 1, px, px)
        grouped = {n: m for n, m in model.named_modules() if getattr(m, "groups", 1) > 1}
        for name, conv in grouped.items():
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, _Split(conv))
    assert len(grouped) == 9
    assert _torch_macs(model, images) == training_macs(micro).total


def test_on_grouped_convolutions_torchs_own_count_is_far_off() -> None:
    micro = zoo.get("micro")
    with torch.device("meta"):
        model, images = build(micro), torch.empty(1, 1, micro.resolution_px, micro.resolution_px)
    assert _torch_macs(model, images) > 2 * training_macs(micro).total


def test_one_convolution_by_hand() -> None:
    # 8 channels, groups of 2: 9 · 2 · 8 weights, each meets 25 outputs, once a pass.
    conv = Conv(8, 8, 3, groups=4)
    assert cost_of(conv, 5)[0].macs == 9 * 2 * 8 * 25
    model = nn.Sequential(OrderedDict(first=nn.Conv2d(8, 8, 1), split=_Split(_torch(conv))))
    first = 64 * 25
    assert _torch_macs(model, torch.empty(1, 8, 5, 5)) == 2 * first + 3 * 9 * 2 * 8 * 25


def _torch(conv: Conv) -> nn.Conv2d:
    return nn.Conv2d(8, 8, conv.kernel, padding=conv.padding, groups=conv.groups, bias=False)
