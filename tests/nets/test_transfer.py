"""Weights in a network of other sizes: what fits, and when the function stays what it was."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.nets.build import build
from scaling_search.nets.preservation import changes
from scaling_search.nets.transfer import for_channels, transfer

PX = 64


@cache
def trained(architecture: Architecture) -> nn.Module:
    """A network whose every tensor counts: random scales, offsets, statistics and branches."""
    torch.manual_seed(0)
    network = build(architecture)
    for name, parameter in network.named_parameters():
        if name.endswith("scale.weight"):
            nn.init.normal_(parameter, 0, 0.5)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = None  # one pass gives the statistics of its batch
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.1)
    network.train()(torch.randn(4, architecture.in_channels, PX, PX))
    return network.eval()


def grown(source: Architecture, depth: float, width: float) -> tuple[nn.Module, Architecture]:
    """The scaled network with the source's weights, and its table."""
    target = scale(source, Multipliers(depth, width))
    assert target != source
    torch.manual_seed(1)
    network = build(target)
    transfer(network, trained(source).state_dict())
    return network.eval(), target


@torch.inference_mode()
def farthest(source: Architecture, network: nn.Module) -> float:
    """How far the logits lie from the source's at most, as a share of its largest."""
    images = torch.randn(2, source.in_channels, PX, PX, generator=torch.Generator().manual_seed(2))
    expected = trained(source)(images)
    return float((network(images) - expected).abs().max() / expected.abs().max())


LARGER = [("micro", 1.6, 1.0), ("micro", 1.0, 1.3)]
FAMILIES = ("mobilenet-v2", "efficientnet-b0", "efficientnet-lite0", "resnet-18", "regnety-400mf")


@pytest.mark.parametrize(
    ("name", "depth", "width"), LARGER + [(name, 1.6, 1.3) for name in ("micro", *FAMILIES)]
)
def test_with_batch_norms_and_shortcuts_the_larger_network_computes_what_the_smaller_did(
    name: str, depth: float, width: float
) -> None:
    # Squeeze-excitation (B0, RegNetY) weighs old channels by old ones alone.
    source = zoo.get(name).fitted(num_classes=10)
    network, target = grown(source, depth, width)
    assert changes(source, target) == ()
    assert farthest(source, network) < 1e-4


def test_layer_norms_keep_the_function_of_a_deeper_network_and_not_of_a_wider_one() -> None:
    source = zoo.get("convnext-tiny").fitted(num_classes=10)
    deeper, table = grown(source, 1.4, 1.0)
    assert changes(source, table) == ()
    assert farthest(source, deeper) < 1e-4
    wider, table = grown(source, 1.0, 1.3)
    assert changes(source, table) == ("layer norms see new channels",)
    assert farthest(source, wider) > 1e-2


def test_without_shortcuts_an_added_block_is_not_the_identity() -> None:
    source = zoo.get("mobilenet-v1").fitted(num_classes=10)
    wider, table = grown(source, 1.0, 1.3)
    assert changes(source, table) == ()
    assert farthest(source, wider) < 1e-4
    deeper, table = grown(source, 1.6, 1.0)
    assert changes(source, table) == ("a separable block has no shortcut, so it begins at random",)
    assert farthest(source, deeper) > 1e-2


def test_a_smaller_network_takes_what_there_is_room_for_and_computes_something_else() -> None:
    source = zoo.get("mobilenet-v2").fitted(num_classes=10)
    smaller, table = grown(source, 0.5, 0.7)
    assert changes(source, table) == ("it is narrower", "it has fewer blocks")
    assert farthest(source, smaller) > 1e-2
    ours, theirs = smaller.state_dict(), trained(source).state_dict()
    name = "stages.2.0.body.project.conv.weight"
    rows, columns = ours[name].shape[:2]
    assert rows < theirs[name].shape[0]
    assert torch.equal(ours[name], theirs[name][:rows, :columns])


def test_the_old_outputs_of_a_wider_layer_see_no_new_inputs_and_the_new_ones_all() -> None:
    network = nn.ModuleDict({"a": nn.Linear(3, 2)})
    source = {"a.weight": torch.tensor([[5.0, 6.0]]), "a.bias": torch.tensor([7.0])}
    fresh = network.state_dict()["a.weight"][1].clone()
    assert transfer(network, source).part == ("a.weight", "a.bias")
    assert network.state_dict()["a.weight"][0].tolist() == [5.0, 6.0, 0.0]
    assert torch.equal(network.state_dict()["a.weight"][1], fresh)
    assert network.state_dict()["a.bias"][0] == 7.0


def test_the_classifier_is_replaced_where_its_size_differs_and_all_else_is_taken() -> None:
    source = zoo.get("micro").fitted(num_classes=10)
    state = trained(source).state_dict()
    network = build(source, num_classes=3)
    fitted = transfer(network, state)
    assert fitted.fresh == ("head.classifier.weight", "head.classifier.bias")
    assert set(fitted.whole) == set(state) - set(fitted.fresh)
    assert fitted.words == (
        f"{len(state) - 2} tensors whole, 2 fresh (head.classifier.weight, head.classifier.bias)"
    )
    assert not any(network.state_dict()[name].any() for name in fitted.fresh)
    assert transfer(build(source), state).fresh == ()


def test_a_tensor_with_another_kernel_stays_fresh() -> None:
    network = nn.ModuleDict({"a": nn.Conv2d(2, 2, 5)})
    before = network.state_dict()["a.weight"].clone()
    fitted = transfer(network, {"a.weight": torch.zeros(2, 2, 3, 3), "b": torch.zeros(1)})
    assert (fitted.whole, fitted.part, fitted.unused) == ((), (), ("b",))
    assert fitted.fresh == ("a.weight", "a.bias")
    assert torch.equal(network.state_dict()["a.weight"], before)


def test_a_grey_image_is_seen_as_the_same_image_in_colour_was() -> None:
    weight = torch.randn(4, 3, 3, 3)
    grey = torch.randn(1, 1, 8, 8)
    seen = nn.functional.conv2d(grey.expand(-1, 3, -1, -1), weight)
    assert torch.allclose(nn.functional.conv2d(grey, for_channels(weight, 1)), seen, atol=1e-5)
    again = for_channels(for_channels(weight, 1), 3)
    assert torch.allclose(nn.functional.conv2d(grey.expand(-1, 3, -1, -1), again), seen, atol=1e-5)


def test_a_first_layer_of_other_channels_takes_the_sum_over_colours() -> None:
    source = zoo.get("micro").fitted(in_channels=3)
    network = build(source, in_channels=1)
    state = trained(source).state_dict()
    assert "stem.conv.weight" in transfer(network, state).part
    expected = state["stem.conv.weight"].sum(1, keepdim=True)
    assert torch.equal(network.state_dict()["stem.conv.weight"], expected)
    assert changes(source, source.fitted(in_channels=1)) == ("its images have other channels",)


def test_networks_of_two_kinds_share_no_function() -> None:
    kind = ("its layers are of another kind",)
    assert changes(zoo.get("resnet-18"), zoo.get("resnet-50")) == kind
    assert changes(zoo.get("efficientnet-b0"), zoo.get("efficientnet-lite0")) == kind


def test_the_official_networks_take_b0s_weights_as_any_scaled_one_does() -> None:
    assert changes(zoo.get("efficientnet-b0"), zoo.get("efficientnet-b3")) == ()
