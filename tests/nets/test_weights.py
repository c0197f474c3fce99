"""Weights of others in our modules and ours in theirs: the same logits."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from torch import nn

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.counters import count_module
from scaling_search.nets.build import build
from scaling_search.nets.weights import load_torchvision, read_weights, to_torchvision

OTHERS = {
    "mobilenet-v2": "mobilenet_v2",
    "resnet-18": "resnet18",
    "resnet-34": "resnet34",
    "resnet-50": "resnet50",
    "regnety-400mf": "regnet_y_400mf",
    "convnext-tiny": "convnext_tiny",
}
EFFICIENTNETS = {f"efficientnet-b{k}": f"efficientnet_b{k}" for k in range(8)}
THEIRS = EFFICIENTNETS | OTHERS


def torchvisions(name: str) -> nn.Module:
    """torchvision's network with random affine parameters and statistics that fit them."""
    model: nn.Module = torchvision.models.get_model(THEIRS[name], weights=None)
    for key, parameter in model.named_parameters():
        if key.endswith("layer_scale"):
            nn.init.normal_(parameter, 0, 0.5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # one pass gives the statistics of its batch
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    model.train()(torch.randn(4, 3, 64, 64))
    return model.eval()


@pytest.mark.parametrize("name", THEIRS)
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


@pytest.mark.parametrize("name", OTHERS)
def test_torchvisions_network_has_our_parameters_and_macs_to_the_integer(name: str) -> None:
    theirs = torchvision.models.get_model(OTHERS[name], weights=None)
    cost = count(zoo.get(name))
    assert sum(p.numel() for p in theirs.parameters()) == cost.params
    assert count_module(theirs, (1, 3, 224, 224)) == cost.macs


@pytest.mark.parametrize("name", ["efficientnet-b0", *OTHERS])
@torch.inference_mode()
def test_our_weights_give_the_same_logits_in_torchvisions_network(name: str) -> None:
    torch.manual_seed(0)
    source, theirs, ours = torchvisions(name), torchvisions(name), build(zoo.get(name)).eval()
    epsilons = [m.eps for m in ours.modules() if isinstance(m, nn.BatchNorm2d)]
    load_torchvision(ours, source.state_dict())
    for module in ours.modules():  # as trained here, with the epsilon of the architecture
        if isinstance(module, nn.BatchNorm2d):
            module.eps = epsilons[0]
    theirs.load_state_dict(to_torchvision(ours))
    images = torch.randn(2, 3, 64, 64)
    expected = ours(images)
    assert (theirs(images) - expected).abs().max() < 1e-5 * max(1, expected.abs().max())


def test_what_torchvision_has_no_network_for_is_refused() -> None:
    with pytest.raises(UserError, match="torchvision has no network that is built like this one"):
        to_torchvision(build(zoo.get("mobilenet-v1")))


def test_weights_of_a_file_are_read_as_plain_tensors(tmp_path: Path) -> None:
    state = {"a": torch.arange(3.0)}
    torch.save(state, tmp_path / "w.pth")
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    for name in ("w.pth", "w.safetensors"):
        assert torch.equal(read_weights(tmp_path / name)["a"], state["a"])


class Trap:
    """What a hostile pickle holds: a call."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_calls_something_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    path, mark = tmp_path / "w.pth", tmp_path / "executed"
    torch.save({"a": Trap(mark)}, path)
    with pytest.raises(UserError, match="weights must be plain tensors"):
        read_weights(path)
    path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(UserError, match="weights must be plain tensors"):
        read_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_of_other_content_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="weights must be plain tensors"):
        read_weights(tmp_path / name)
    with pytest.raises(UserError, match="weights must be readable"):
        read_weights(tmp_path / f"missing-{name}")
