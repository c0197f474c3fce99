"""What a study's networks begin with: found by name or file, and read as it was saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.strides import fit_strides
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.export import export
from scaling_search.nets.model_card import Card
from scaling_search.nets.weights import LITE_MEAN, LITE_STD, lite_checkpoint
from scaling_search.pretrained.initial import Init, initial_weights
from scaling_search.pretrained.preprocessing import NORMALISATIONS

B0 = zoo.get("efficientnet-b0")
MICRO = zoo.get("micro")


def has_lites() -> bool:
    try:
        lite_checkpoint(0)
    except UserError:
        return False
    return True


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """torchvision's B0 for seven classes, as its users save it."""
    path = tmp_path / "b0.pth"
    torch.save(torchvision.models.efficientnet_b0(weights=None, num_classes=7).state_dict(), path)
    return path


def plain(tmp_path: Path, name: str = "micro.safetensors", **fitted: int) -> Path:
    path = tmp_path / name
    safetensors.torch.save_file(build(MICRO.fitted(**fitted)).state_dict(), path)
    return path


def test_torchvisions_names_bring_its_epsilon_and_the_normalisation_it_publishes(
    theirs: Path,
) -> None:
    initial = initial_weights(Init(str(theirs)), B0.fitted(num_classes=20))
    assert (B0.norm_eps, initial.source.norm_eps) == (1e-3, 1e-5)
    assert initial.source.num_classes == 7
    assert (initial.mean, initial.std) == NORMALISATIONS["imagenet"]
    assert initial.name == "b0.pth"


def test_a_base_with_fewer_strides_takes_the_same_weights(theirs: Path) -> None:
    small = zoo.get("efficientnet-b0-small").fitted(num_classes=20)
    initial = initial_weights(Init(str(theirs)), small)
    assert initial.mean == NORMALISATIONS["imagenet"][0]
    assert initial.fit_of(small).fresh == ("head.classifier.weight", "head.classifier.bias")
    assert initial.begin(build(small)) == initial.fit_of(small)


def test_a_grown_base_names_the_network_that_the_weights_are_of(theirs: Path) -> None:
    grown = scale(B0, Multipliers(1.2, 1.2))
    with pytest.raises(UserError, match=r"must be those of efficientnet-b0 d1\.20 w1\.20"):
        initial_weights(Init(str(theirs)), grown)
    initial = initial_weights(Init(str(theirs), source=B0), grown)
    assert initial == initial_weights(Init(str(theirs)), B0)
    again = initial_weights(Init(str(theirs), source=initial.source), grown)
    assert again == initial


def test_missing_weights_of_torchvision_are_not_fetched_unasked() -> None:
    for network in (B0, zoo.get("efficientnet-b0-small"), fit_strides(B0, 64).architecture):
        with pytest.raises(UserError, match=r"_rwightman-7f5810bc\.pth, got none: --"):
            initial_weights(Init("torchvision"), network)
    with pytest.raises(UserError, match="are IMAGENET1K_V1 or IMAGENET1K_V2, got 'V3'"):
        initial_weights(Init("torchvision:V3"), zoo.get("resnet-50"))
    with pytest.raises(UserError, match="there are published weights of efficientnet-b0"):
        initial_weights(Init("torchvision"), MICRO)


@pytest.mark.skipif(not has_lites(), reason="needs scaling-search[lite-weights]")
def test_the_lite_weights_are_found_with_how_they_see() -> None:
    initial = initial_weights(Init("lite"), zoo.get("efficientnet-lite0").fitted(in_channels=1))
    assert initial.name == "the Lite weights of efficientnet-lite0"
    assert initial.mean is not None
    assert initial.std is not None
    assert list(initial.mean) == [pytest.approx(LITE_MEAN)]
    assert list(initial.std) == [pytest.approx(LITE_STD)]
    assert initial.source.norm_eps == 1e-3


def test_an_exported_network_says_itself_what_it_is_and_how_it_saw(tmp_path: Path) -> None:
    table = replace(MICRO.fitted(num_classes=2, in_channels=3), resolution_px=16, norm_eps=1e-4)
    card = Card(table, ("cat", "dog"), (0.1, 0.2, 0.3), (0.5, 0.5, 0.5))
    path = tmp_path / "own.safetensors"
    export(build(table), card, path, "safetensors")
    initial = initial_weights(Init(str(path)), MICRO.fitted(num_classes=20, in_channels=3))
    assert (initial.source, initial.mean, initial.std) == (table, card.mean, card.std)
    grey = initial_weights(Init(str(path)), MICRO.fitted(num_classes=20, in_channels=1))
    assert grey.mean is not None
    assert list(grey.mean) == [pytest.approx(0.2)]


def test_plain_tensors_of_ones_own_leave_the_images_their_own_statistics(tmp_path: Path) -> None:
    initial = initial_weights(Init(str(plain(tmp_path, num_classes=5))), MICRO)
    assert (initial.mean, initial.std) == (None, None)
    assert initial.source == MICRO.fitted(num_classes=5)


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    table = zoo.get("mobilenet-v2")
    card = Card(table, tuple(map(str, range(1000))), (0.5,) * 3, (0.5,) * 3)
    path = tmp_path / "v2.safetensors"
    export(build(table), card, path, "safetensors")
    refused = (
        r"resnet-18 must be able to take half of its 122 tensors from v2\.safetensors, got 2: name"
    )
    with pytest.raises(UserError, match=refused):
        initial_weights(Init(str(path)), zoo.get("resnet-18"))


@pytest.mark.parametrize(
    ("weights", "refused"),
    [
        ("nowhere.pth", "weights must be torchvision, lite or a file, got .*: nothing lies there"),
        ("folder", "a folder: write a network of a run as a file: scaling-search export"),
        ("net.onnx", "weights must be plain tensors, got 'net.onnx': export it as safetensors"),
        ("text.safetensors", "weights must be plain tensors"),
    ],
)
def test_what_holds_no_weights_is_one_line(tmp_path: Path, weights: str, refused: str) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("net.onnx", "text.safetensors"):
        (tmp_path / name).write_text("nothing of the kind")
    with pytest.raises(UserError, match=refused) as caught:
        initial_weights(Init(str(tmp_path / weights)), MICRO)
    assert "\n" not in str(caught.value)


def test_no_weights_at_all_are_no_init() -> None:
    with pytest.raises(UserError, match="leave init out to begin at random"):
        Init("")
