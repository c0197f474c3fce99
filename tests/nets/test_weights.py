"""torchvision's weights in our modules: the same logits for all eight EfficientNets."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from scaling_search.arch import zoo
from scaling_search.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.weights import load_torchvision


def torchvisions(name: str) -> nn.Module:
    """torchvision's network with random affine parameters and statistics that fit them."""
    model = torchvision.models.get_model(name.replace("-", "_"), weights=None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # one pass gives the statistics of its batch
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    model.train()(torch.randn(4, 3, 64, 64))
    return model.eval()


@pytest.mark.parametrize("name", [f"efficientnet-b{k}" for k in range(8)])
@torch.inference_mode()
def test_the_same_weights_give_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    theirs, ours = torchvisions(name), build(zoo.get(name)).eval()
    images = torch.randn(2, 3, 64, 64)
    load_torchvision(ours, theirs.state_dict())
    expected = theirs(images)
    assert (ours(images) - expected).abs().max() < 1e-5
    # The logits must tell images apart, or agreement would mean little.
    assert (expected[0] - expected[1]).abs().max() > 1e-2


@torch.inference_mode()
def test_the_papers_epsilon_would_give_other_logits_than_torchvisions_b0() -> None:
    torch.manual_seed(0)
    theirs, ours = torchvisions("efficientnet-b0"), build(zoo.get("efficientnet-b0")).eval()
    load_torchvision(ours, theirs.state_dict())
    for module in ours.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.eps == 1e-5
            module.eps = 1e-3
    images = torch.randn(2, 3, 64, 64)
    assert (ours(images) - theirs(images)).abs().max() > 1e-5


def test_weights_of_a_deeper_network_are_refused() -> None:
    state = torchvision.models.efficientnet_b1(weights=None).state_dict()
    with pytest.raises(UserError, match="the weights are of another network"):
        load_torchvision(build(zoo.get("efficientnet-b0")), state)


def test_weights_for_other_classes_are_refused_and_nothing_is_copied() -> None:
    state = torchvision.models.efficientnet_b0(weights=None, num_classes=7).state_dict()
    model = build(zoo.get("efficientnet-b0"))
    before = model.state_dict()["stem.conv.weight"].clone()
    with pytest.raises(UserError, match=r"'classifier.1.weight' must have shape \(1000, 1280\)"):
        load_torchvision(model, state)
    assert torch.equal(model.state_dict()["stem.conv.weight"], before)


def test_a_network_that_torchvision_does_not_have_is_refused() -> None:
    with pytest.raises(UserError, match="the weights are of another network"):
        load_torchvision(build(zoo.get("micro")), {})
