"""The stages' outputs, and what detection builds on them."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch
from torch import nn
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import FeaturePyramidNetwork

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.features import FeatureNetwork, features

MICRO = zoo.get("micro").fitted(in_channels=3)
EFFICIENTNET_B0 = (2, 4, 8, 16, 32), (16, 24, 40, 112, 320)
EXPECTED = {
    "efficientnet-b0": EFFICIENTNET_B0,
    "efficientnet-lite0": EFFICIENTNET_B0,
    "resnet-50": ((4, 8, 16, 32), (256, 512, 1024, 2048)),
    "convnext-tiny": ((4, 8, 16, 32), (96, 192, 384, 768)),
    "mobilenet-v2": ((2, 4, 8, 16, 32), (16, 24, 32, 96, 320)),
    "regnety-400mf": ((2, 4, 8, 16, 32), (32, 48, 104, 208, 440)),
}


def network(name: str) -> FeatureNetwork:
    with torch.device("meta"):
        return features(build(zoo.get(name)), zoo.get(name))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_map_ends_each_stride(name: str) -> None:
    pyramid = network(name)
    assert (pyramid.strides, pyramid.channels) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("sides", [(64, 96), (70, 45)])
def test_sides_need_neither_be_equal_nor_divide(name: str, sides: tuple[int, int]) -> None:
    pyramid = network(name)
    maps = pyramid(torch.zeros(2, 3, *sides, device="meta"))
    assert [each.shape[:2] for each in maps] == [(2, channels) for channels in pyramid.channels]
    # A patch leaves a rest out, a padded convolution makes a pixel of it.
    rounded = math.floor if name == "convnext-tiny" else math.ceil
    for each, stride in zip(maps, pyramid.strides, strict=True):
        assert tuple(each.shape[2:]) == tuple(rounded(side / stride) for side in sides)


def test_the_last_map_is_what_the_head_sees() -> None:
    table = MICRO
    module = build(table).eval()
    images = torch.randn(2, 3, 32, 48)
    with torch.inference_mode():
        last = features(module, table)(images)[-1]
        assert torch.equal(module.head(last), module(images))  # type: ignore[operator]


def test_a_network_that_begins_with_a_stride_gives_its_stem() -> None:
    table = MICRO
    first, *others = table.stages
    strided = replace(table, stages=(replace(first, stride=2), *others), resolution_px=64)
    pyramid = features(build(strided), strided)
    assert pyramid.maps[0].source == "stem"
    assert pyramid.channels[0] == table.stem_channels
    assert pyramid(torch.zeros(1, 3, 64, 64))[0].shape[-1] == 64 // table.stem_stride


def test_strides_choose_maps_and_what_lies_behind_is_left_out() -> None:
    table = zoo.get("resnet-18")
    pyramid = features(build(table), table, strides=(4, 8))
    assert [each.source for each in pyramid.maps] == ["stage 1", "stage 2"]
    assert len(pyramid.stages) == 2
    assert len(pyramid(torch.zeros(1, 3, 32, 32))) == 2
    with pytest.raises(UserError, match=r"strides must be of 4, 8, 16, 32, got \[2\]"):
        features(build(table), table, strides=(2,))


def test_what_is_no_network_of_stages_is_refused() -> None:
    with pytest.raises(UserError, match="that build made of a table of stages, got 'Linear'"):
        features(nn.Linear(2, 2), MICRO)


def test_a_feature_pyramid_learns_through_it() -> None:
    table = MICRO
    backbone = features(build(table), table)
    pyramid = FeaturePyramidNetwork(list(backbone.channels), out_channels=8)
    maps = backbone(torch.randn(2, 3, 40, 56))
    merged = pyramid(OrderedDict((str(i), each) for i, each in enumerate(maps)))
    assert [each.shape[1:] for each in merged.values()] == [(8, *m.shape[2:]) for m in maps]
    sum(each.square().mean() for each in merged.values()).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())
    assert next(backbone.parameters()).grad.abs().sum() > 0  # type: ignore[union-attr]


class Pyramid(nn.Module):
    """A backbone as torchvision's detectors want it."""

    def __init__(self, backbone: FeatureNetwork, out_channels: int) -> None:
        super().__init__()
        self.backbone, self.out_channels = backbone, out_channels
        self.pyramid = FeaturePyramidNetwork(list(backbone.channels), out_channels)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        maps = self.backbone(images)
        merged: dict[str, torch.Tensor] = self.pyramid(
            OrderedDict((str(number), each) for number, each in enumerate(maps))
        )
        return merged


def test_a_detector_of_torchvisions_trains_on_it() -> None:
    torch.manual_seed(0)
    table = MICRO
    backbone = features(build(table), table)
    count = len(backbone.maps)
    anchors = AnchorGenerator(tuple((8 * 2**n,) for n in range(count)), ((1.0,),) * count)
    detector = RetinaNet(
        Pyramid(backbone, 16), 3, anchor_generator=anchors, min_size=48, max_size=96
    )
    target = {"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([1])}
    losses = detector([torch.rand(3, 48, 80)], [target])
    assert set(losses) == {"classification", "bbox_regression"}
    sum(losses.values()).backward()
    assert next(backbone.parameters()).grad is not None
