"""Exported networks: each format gives the module's logits and carries its card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
import torchvision
from torch import nn

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.export import FORMATS, SUFFIXES, Format, export
from scaling_search.nets.model_card import KEY, Card
from scaling_search.nets.predict import Predictor, normalised, predict, read_module, read_predictor
from scaling_search.nets.weights import load_torchvision

CLASSES = ("Äpfel", "pears", "plums")
MICRO = zoo.get("micro").fitted(num_classes=3)
CARD = Card(MICRO, CLASSES, (0.4,), (0.2,))


def trained(card: Card = CARD) -> nn.Module:
    """A network whose statistics are not those it was born with."""
    torch.manual_seed(0)
    model = build(card.architecture)
    side_px = card.architecture.resolution_px
    model.train()(torch.randn(8, card.architecture.in_channels, side_px, side_px))
    return model.eval()


def written(format: Format, folder: Path, card: Card = CARD) -> Path:
    if format == "onnx":
        for library in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(library)
    path = folder / f"n{SUFFIXES[format]}"
    exported = export(trained(card), card, path, format)
    assert exported.largest_difference < 1e-4
    assert exported.bytes == path.stat().st_size
    return path


@pytest.mark.parametrize("format", ["safetensors", "onnx"])
def test_a_file_predicts_as_its_module_and_knows_its_classes(
    format: Format, tmp_path: Path
) -> None:
    predictor = read_predictor(written(format, tmp_path))
    assert predictor.card == CARD
    images = torch.randint(0, 256, (5, 1, 24, 24), dtype=torch.uint8)
    with torch.inference_mode():
        expected = trained()(normalised(CARD, images))
    assert (predictor.logits(normalised(CARD, images)) - expected).abs().max() < 1e-4
    best = [guesses[0].name for guesses in predict(predictor, images)]
    assert best == [CLASSES[index] for index in expected.argmax(1).tolist()]


def test_torch_export_is_reloaded_with_its_card(tmp_path: Path) -> None:
    path = written("torch-export", tmp_path)
    files = {KEY: ""}
    module = torch.export.load(path, extra_files=files).module()
    assert json.loads(files[KEY])["classes"] == list(CLASSES)
    images = torch.randn(5, 1, 24, 24)
    with torch.no_grad():
        assert (module(images) - trained()(images)).abs().max() < 1e-4


def test_safetensors_gives_the_module_back(tmp_path: Path) -> None:
    module, card = read_module(written("safetensors", tmp_path))
    assert card == CARD
    ours, theirs = trained().state_dict(), module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)


def test_the_epsilon_of_foreign_weights_travels_with_the_file(tmp_path: Path) -> None:
    network = zoo.get("efficientnet-b0").fitted(resolution_px=32)
    model = build(network)
    load_torchvision(model, torchvision.models.efficientnet_b0(weights=None).state_dict())
    card = Card(network, tuple(map(str, range(1000))), (0.5,) * 3, (0.2,) * 3)
    export(model, card, tmp_path / "b0.safetensors", "safetensors")
    _, again = read_module(tmp_path / "b0.safetensors")
    assert again.architecture == replace(network, norm_eps=1e-5)


def test_a_module_of_another_architecture_is_not_exported(tmp_path: Path) -> None:
    wider = replace(CARD, architecture=replace(MICRO, head_channels=104))
    with pytest.raises(UserError, match="must be those of its architecture"):
        export(trained(), wider, tmp_path / "n.safetensors", "safetensors")
    relu6 = replace(CARD, architecture=replace(MICRO, activation="silu"))
    with pytest.raises(UserError, match="the exported logits must lie within"):
        export(trained(), relu6, tmp_path / "n.safetensors", "safetensors")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="format must be one of safetensors, onnx, torch-export"):
        export(trained(), CARD, tmp_path / "n.pt", "pickle")  # type: ignore[arg-type]  # no such format
    assert set(SUFFIXES) == set(FORMATS)


@pytest.mark.parametrize("name", ["n.pt", "n.pth", "n.pt2", "n.pkl"])
def test_files_that_may_hold_pickles_are_not_predicted_with(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"must be a \.safetensors or \.onnx file"):
        read_predictor(tmp_path / name)


def test_files_of_other_content_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.safetensors"
    with pytest.raises(UserError, match="must exist"):
        read_predictor(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="must be a safetensors file"):
        read_predictor(path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="must hold the card of an export, got none"):
        read_predictor(path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {KEY: CARD.to_json()})
    with pytest.raises(UserError, match="must be those of its architecture"):
        read_predictor(path)
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {KEY: '{"classes": 3}'})
    with pytest.raises(UserError, match="must hold a card of this project"):
        read_predictor(path)


def test_an_onnx_file_of_other_content_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "n.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="must be an ONNX file"):
        read_predictor(tmp_path / "n.onnx")


def test_a_card_needs_a_name_for_each_class_and_numbers_for_each_channel() -> None:
    with pytest.raises(UserError, match="3 classes need as many names, got 2"):
        replace(CARD, classes=("a", "b"))
    with pytest.raises(UserError, match="mean must have 1 values, got 3"):
        replace(CARD, mean=(0.5, 0.5, 0.5))
    with pytest.raises(UserError, match="std must be positive"):
        replace(CARD, std=(0.0,))


def test_the_likeliest_classes_come_first_and_their_probabilities_are_fractions() -> None:
    logits = torch.log(torch.tensor([[0.2, 0.7, 0.1]]))
    predictor = Predictor(CARD, lambda images: logits.expand(len(images), 3))
    images = torch.zeros(70, 1, 24, 24, dtype=torch.uint8)  # more than go at once
    guesses = predict(predictor, images, top=2)
    assert len(guesses) == 70
    assert [guess.name for guess in guesses[69]] == ["pears", "Äpfel"]
    assert guesses[69][0].probability == pytest.approx(0.7)
    assert len(predict(predictor, images[:1], top=9)[0]) == 3
    with pytest.raises(UserError, match="top must be at least 1"):
        predict(predictor, images, top=0)


def test_images_are_normalised_as_the_card_says() -> None:
    images = torch.tensor([0, 102, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    values = normalised(CARD, images).flatten()
    torch.testing.assert_close(values, torch.tensor([-2.0, 0.0, 3.0]))
