"""Architectures as modules."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.arch.layers import (
    Activation,
    ActivationKind,
    Conv,
    Layer,
    MaxPool,
    Norm,
    Residual,
    Scale,
    sequence,
)
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import cost_of, count
from scaling_search.nets.build import build, module_of
from scaling_search.nets.modules import Residual as ResidualModule

MICRO = zoo.get("micro")


def rates(drop_path: float) -> list[float]:
    modules = build(MICRO, drop_path=drop_path).modules()
    return [m.drop_path for m in modules if isinstance(m, ResidualModule)]


@pytest.mark.parametrize("name", zoo.network_names())
def test_the_module_has_exactly_the_counted_parameters(name: str) -> None:
    with torch.device("meta"):
        model = build(zoo.get(name))
    assert sum(p.numel() for p in model.parameters()) == count(zoo.get(name)).params


def test_images_of_other_sides_than_the_own_give_logits_too() -> None:
    model = build(MICRO).eval()
    assert model(torch.zeros(2, 1, 24, 24)).shape == (2, 20)
    assert model(torch.zeros(2, 1, 37, 37)).shape == (2, 20)


def test_classes_and_input_channels_can_be_asked_for() -> None:
    model = build(MICRO, num_classes=10, in_channels=3).eval()
    assert model(torch.zeros(1, 3, 24, 24)).shape == (1, 10)


def test_parameters_are_named_by_their_place() -> None:
    names = set(build(zoo.get("efficientnet-b0")).state_dict())
    assert {
        "stem.conv.weight",
        "stages.1.0.body.expand.conv.weight",
        "stages.1.1.body.squeeze.reduce.bias",
        "head.norm.running_var",
        "head.classifier.bias",
    } <= names


def test_batch_norm_takes_epsilon_and_momentum_from_the_architecture() -> None:
    for name, eps, momentum in (("efficientnet-b3", 1e-3, 0.01), ("micro", 1e-5, 0.1)):
        with torch.device("meta"):
            norms = [m for m in build(zoo.get(name)).modules() if isinstance(m, nn.BatchNorm2d)]
        assert {(norm.eps, norm.momentum) for norm in norms} == {(eps, momentum)}


def test_weights_begin_as_in_torchvision() -> None:
    torch.manual_seed(0)
    model = build(zoo.get("efficientnet-b0"))
    state = model.state_dict()
    project = state["stages.5.1.body.project.conv.weight"]
    assert project.std().item() == pytest.approx(math.sqrt(2 / project.shape[0]), rel=0.02)
    assert state["head.classifier.weight"].abs().max() <= 1 / math.sqrt(1000)
    assert state["head.classifier.weight"].std().item() == pytest.approx(
        1 / math.sqrt(3000), rel=0.02
    )
    assert not state["stages.5.1.body.squeeze.reduce.bias"].any()


def test_the_same_seed_gives_the_same_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(7)
        states.append(build(MICRO).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_stochastic_depth_rises_linearly_to_the_last_block() -> None:
    total = sum(stage.repeats for stage in MICRO.stages)
    assert rates(0.2)[-1] == pytest.approx(0.2)
    first_residual = rates(0.2)[0] * total / 0.2
    assert first_residual == pytest.approx(round(first_residual))
    assert rates(0.2) == sorted(rates(0.2))
    assert set(rates(0.0)) == {0.0}


def test_a_drop_path_of_one_is_refused() -> None:
    with pytest.raises(UserError, match=r"drop_path must lie in \[0, 1\), got 1"):
        build(MICRO, drop_path=1)


def test_a_pooling_stem_and_layer_norm_make_a_network_that_runs() -> None:
    odd = replace(
        MICRO, stem="conv-pool", norm="layer", activation="gelu", head_channels=0, dropout=0.5
    )
    model = build(odd)
    assert sum(p.numel() for p in model.parameters()) == count(odd).params
    model(torch.randn(2, 1, 24, 24)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize(
    ("kind", "at_minus_1", "at_8"),
    [
        ("relu", 0.0, 8.0),
        ("relu6", 0.0, 6.0),
        ("silu", -1 / (1 + math.e), 8 / (1 + math.exp(-8))),
        ("gelu", -0.158655, 8.0),
        ("sigmoid", 1 / (1 + math.e), 1 / (1 + math.exp(-8))),
    ],
)
def test_each_activation_is_the_function_of_its_name(
    kind: ActivationKind, at_minus_1: float, at_8: float
) -> None:
    values = module_of(Activation(kind))(torch.tensor([-1.0, 8.0]))
    torch.testing.assert_close(values, torch.tensor([at_minus_1, at_8]))


@pytest.mark.parametrize(
    "layer",
    [
        Conv(2, 4, 3, 2),
        Conv(2, 4, 2, 2, groups=2, bias=True),
        Conv(2, 4, 5, 2, same=True),
        Scale(2, 1e-6),
        MaxPool(3, 2),
        Norm(2, "layer", 1e-6, 0.1),
        Residual(Conv(2, 4, 3, 2), sequence(conv=Conv(2, 4, 1, 2))),
    ],
)
@pytest.mark.parametrize("side_px", [7, 8])
def test_each_module_has_the_counted_output_and_parameters(layer: Layer, side_px: int) -> None:
    module = module_of(layer)
    cost, output_px = cost_of(layer, side_px)
    assert module(torch.randn(1, 2, side_px, side_px)).shape[-2:] == (output_px, output_px)
    assert sum(p.numel() for p in module.parameters()) == cost.params
