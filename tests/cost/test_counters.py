"""torch's and fvcore's counts against the analytic walk."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.cost.analytic import count
from scaling_search.cost.counters import count_module, fvcore_conv_linear
from scaling_search.nets.build import build


@pytest.mark.parametrize("name", zoo.network_names())
def test_torchs_counter_agrees_to_the_integer(name: str) -> None:
    network = zoo.get(name)
    with torch.device("meta"):
        model = build(network)
    px = network.resolution_px
    assert count_module(model, (1, network.in_channels, px, px)) == count(network).macs


@pytest.mark.parametrize("name", ["efficientnet-b0", "efficientnet-b1", "micro"])
def test_fvcore_agrees_to_the_integer_on_convolutions_and_linear_layers(name: str) -> None:
    network = zoo.get(name)
    px = network.resolution_px
    macs, unsupported = fvcore_conv_linear(build(network), (1, network.in_channels, px, px))
    assert macs == count(network).macs
    assert not any("conv" in name or "addmm" in name for name in unsupported)


def test_what_fvcore_leaves_out_is_named() -> None:
    _, unsupported = fvcore_conv_linear(build(zoo.get("efficientnet-b0")), (1, 3, 32, 32))
    assert unsupported["aten::sigmoid"] == 16  # one per squeeze-excitation


def test_counting_leaves_the_module_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 5))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert count_module(model, (1, 1, 3, 3)) == 18 + 10
    assert fvcore_conv_linear(model, (1, 1, 3, 3))[0] == 18 + 10
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
