"""Tensors under others' names become ours, and those of another network are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.fitting import state_digest, tensors_by_our_names
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.nets.weights import load_torchvision, to_torchvision

RESNET = zoo.get("resnet-18")
MICRO = zoo.get("micro")
CONVNEXT = zoo.get("convnext-tiny")


def test_torchvisions_tensors_get_our_names_whatever_their_classes() -> None:
    theirs = torchvision.models.resnet18(weights=None, num_classes=7).state_dict()
    ours = build(RESNET, num_classes=7)
    load_torchvision(ours, theirs)
    kind, named = tensors_by_our_names(RESNET, theirs)
    assert kind == "torchvision"
    assert state_digest(named) == state_digest(ours.state_dict())


def test_linear_layers_there_have_the_axes_of_our_convolutions() -> None:
    ours = build(CONVNEXT)
    kind, named = tensors_by_our_names(CONVNEXT, to_torchvision(ours))
    assert kind == "torchvision"
    assert state_digest(named) == state_digest(ours.state_dict())


def test_counts_of_batches_may_be_missing_and_strange_tensors_keep_their_names() -> None:
    state = {f"module.{name}": tensor for name, tensor in build(MICRO).state_dict().items()}
    state = {name: tensor for name, tensor in state.items() if "num_batches" not in name}
    kind, named = tensors_by_our_names(MICRO, state | {"module.mask": torch.zeros(3)})
    assert kind == "own"
    assert set(build(MICRO).state_dict()) - set(named) == {
        name for name in build(MICRO).state_dict() if "num_batches" in name
    }
    assert named["mask"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("other", ["resnet-50", "micro"])
def test_tensors_of_another_network_are_refused(other: str) -> None:
    state = build(zoo.get(other)).state_dict()
    with pytest.raises(UserError, match="the weights must be those of efficientnet-b0, got others"):
        tensors_by_our_names(zoo.get("efficientnet-b0"), state)


def test_no_tensors_at_all_are_refused() -> None:
    with pytest.raises(UserError, match="no tensors at all"):
        tensors_by_our_names(MICRO, {})


@pytest.fixture
def initial(tmp_path: Path) -> InitialWeights:
    path, state = tmp_path / "w.safetensors", build(MICRO).state_dict()
    safetensors.torch.save_file(state, path)
    return InitialWeights(str(path), state_digest(state), MICRO)


def test_a_file_begins_a_network_and_what_will_fit_is_known_without_it(
    initial: InitialWeights,
) -> None:
    network = MICRO.fitted(num_classes=3)
    fitted = initial.fit_of(network)
    assert initial.begin(build(network)) == fitted
    assert fitted.fresh == ("head.classifier.weight", "head.classifier.bias")


def test_a_file_that_has_gone_or_changed_is_refused(initial: InitialWeights) -> None:
    path = Path(initial.path)
    safetensors.torch.save_file(build(MICRO).state_dict(), path)
    with pytest.raises(UserError, match=f"must hold the weights {initial.content} as when the run"):
        initial.begin(build(MICRO))
    path.unlink()
    with pytest.raises(UserError, match="must still lie in their file"):
        initial.begin(build(MICRO))


def test_where_the_file_lies_is_not_what_it_is(initial: InitialWeights) -> None:
    assert replace(initial, path="elsewhere") == initial
    assert replace(initial, content="0" * 16) != initial
