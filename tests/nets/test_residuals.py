"""How residual branches begin and how much they count, in every network of the zoo."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.nets.build import build
from scaling_search.nets.modules import Residual
from scaling_search.nets.residuals import fold_branch_scales, scale_branches, zero_branches

BLOCKS = {
    "mbconv": zoo.get("micro"),
    "basic": zoo.get("resnet-18"),
    "bottleneck": zoo.get("resnet-50"),
    "convnext": zoo.get("convnext-tiny"),
}


def small(architecture: Architecture) -> nn.Module:
    """The network for images of 32 px, with running statistics of its own."""
    torch.manual_seed(0)
    model = build(replace(architecture, resolution_px=32, num_classes=5, in_channels=3))
    model(torch.randn(4, 3, 32, 32))
    return model.eval()


def branches(model: nn.Module) -> list[Residual]:
    return [module for module in model.modules() if isinstance(module, Residual)]


@pytest.mark.parametrize("kind", ["mbconv", "basic", "bottleneck"])
def test_a_branch_that_begins_at_zero_adds_nothing(kind: str) -> None:
    model = small(BLOCKS[kind])
    zero_branches(model)
    images = {module: torch.randn(2, _channels(module), 6, 6) for module in branches(model)}
    assert images
    for module, seen in images.items():
        assert module.body(seen).abs().max() == 0


def _channels(module: Residual) -> int:
    return next(m.in_channels for m in module.body.modules() if isinstance(m, nn.Conv2d))


def test_what_is_no_branch_is_left_alone() -> None:
    model = small(BLOCKS["mbconv"])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    zero_branches(model)
    changed = [name for name, t in model.state_dict().items() if not torch.equal(t, before[name])]
    assert len(changed) == len(branches(model))
    assert all(name.endswith("body.project.norm.weight") for name in changed)


def test_a_branch_with_a_layer_scale_stays_as_it_is() -> None:
    model = small(BLOCKS["convnext"])
    before = [p.clone() for p in model.parameters()]
    zero_branches(model)
    assert all(map(torch.equal, before, model.parameters()))


@pytest.mark.parametrize("kind", BLOCKS)
def test_each_of_l_branches_counts_one_over_the_root_of_l(kind: str) -> None:
    model = small(BLOCKS[kind])
    scale_branches(model)
    scales = {module.branch_scale for module in branches(model)}
    assert scales == {1 / sqrt(len(branches(model)))}
    (first, *_) = branches(model)
    images = torch.randn(2, _channels(first), 8, 8)
    added = first(images) - first.shortcut(images)
    torch.testing.assert_close(added, first.body(images) * first.branch_scale, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", BLOCKS)
def test_folded_into_its_last_layer_a_scaled_branch_is_the_same_function(kind: str) -> None:
    model, images = small(BLOCKS[kind]), torch.randn(2, 3, 32, 32)
    scale_branches(model)
    with torch.inference_mode():
        before = model(images)
    fold_branch_scales(model)
    assert {module.branch_scale for module in branches(model)} == {1.0}
    plain = small(BLOCKS[kind])
    plain.load_state_dict(model.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(plain(images), before, atol=1e-4, rtol=1e-4)


def test_a_network_that_begins_at_zero_is_as_deep_as_its_shortcuts() -> None:
    model = small(BLOCKS["mbconv"])
    zero_branches(model)
    deeper = BLOCKS["mbconv"]
    deeper = replace(deeper, stages=tuple(replace(s, repeats=2 * s.repeats) for s in deeper.stages))
    deep = small(deeper)
    zero_branches(deep)
    shared = {name: t for name, t in model.state_dict().items() if name in deep.state_dict()}
    deep.load_state_dict(shared, strict=False)
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(deep(images), model(images))
