"""Published weights as exported files: they see images as before, and say so themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torchvision

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.nets.export import export
from scaling_search.nets.model_card import Card, card_from_json
from scaling_search.pretrained.evaluation import evaluate
from scaling_search.pretrained.exporting import exportable
from scaling_search.pretrained.sources import Wish, pretrained
from tests.program import call


def resnet(folder: Path) -> str:
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), folder / "r18.pth")
    return f"resnet-18@{folder / 'r18.pth'}"


def test_an_exported_file_sees_each_image_as_the_published_weights_do(
    photographs: Path, tmp_path: Path
) -> None:
    address = resnet(tmp_path)
    module, card = exportable(address, Wish())
    assert (card.resize_px, card.architecture.resolution_px, card.interpolation) == (
        *(256, 224),
        "bilinear",
    )
    export(module, card, tmp_path / "kept.safetensors", "safetensors")
    before = pretrained(address, Wish())
    after = pretrained(str(tmp_path / "kept.safetensors"), Wish())
    assert after.reading == before.reading
    for path in photographs.glob("val/*/*"):
        assert torch.equal(after.read(path), before.read(path))
    found = evaluate([address, str(tmp_path / "kept.safetensors")], photographs, Wish())
    assert found.networks["loss"].iloc[0] == pytest.approx(found.networks["loss"].iloc[1])


def test_export_and_predict_by_hand(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, printed, said = call("export", resnet(tmp_path), "--json")
    assert (status, said) == (0, "")
    assert json.loads(printed)[0]["file"] == "resnet-18.safetensors"
    coffee = str(photographs / "val" / "n07920052" / "coffee.png")
    both = [
        json.loads(call("predict", model, coffee, "--json")[1])
        for model in ("resnet-18.safetensors", f"resnet-18@{tmp_path / 'r18.pth'}")
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resnet-18",), "a network is evaluated with weights, got 'resnet-18' without"),
        (("resnet-18@gone.pth",), "got 'gone.pth': nothing lies there"),
        (("resnet-18@gone.pth", "base"), "the second is left out, got 'base'"),
        (("runs/gone", "base"), "runs/gone/study.toml': No such file"),
        ((".",), "of a run's directory the network must be named, got 'none'"),
    ],
)
def test_a_wrong_request_is_one_line(words: tuple[str, ...], said: str) -> None:
    status, printed, complaint = call("export", *words)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_what_is_exported_already_is_said_to_be(tmp_path: Path) -> None:
    module, card = exportable(resnet(tmp_path), Wish())
    export(module, card, tmp_path / "kept.safetensors", "safetensors")
    with pytest.raises(UserError, match="it is an exported file already"):
        exportable(str(tmp_path / "kept.safetensors"), Wish())


def test_a_card_without_published_weights_is_written_as_before() -> None:
    nano = zoo.get("nano").fitted(num_classes=2)
    card = Card(nano, ("cat", "dog"), (0.5,), (0.25,))
    assert not {"resize_px", "interpolation"} & json.loads(card.to_json()).keys()
    wider = Card(nano, ("cat", "dog"), (0.5,), (0.25,), resize_px=20, interpolation="bicubic")
    assert card_from_json(wider.to_json(), "a file") == wider
    with pytest.raises(UserError, match="resize_px must be at least 16, got 12"):
        Card(nano, ("cat", "dog"), (0.5,), (0.25,), resize_px=12)
