"""`predict` sees image files as the training saw its own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from scaling_search.arch import zoo
from scaling_search.cli.export import _decoded
from scaling_search.nets.build import build
from scaling_search.nets.export import export
from scaling_search.nets.model_card import Card, card_from_json
from tests.program import call

CARD = Card(zoo.get("micro").fitted(num_classes=2), ("ill", "well"), (0.5,), (0.25,))
SCANS = replace(CARD, ground="black", value_range=(0.0, 4095.0))


def test_a_card_keeps_the_rules_of_its_images() -> None:
    assert card_from_json(SCANS.to_json(), "here") == SCANS
    old = json.loads(CARD.to_json())
    del old["ground"], old["value_range"]
    assert card_from_json(json.dumps(old), "an earlier export") == CARD


def test_a_run_of_a_function_is_refused_with_where_its_weights_lie(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text('name = "x"\nbase = "mine:make"\nbase_px = 16\n')
    for words in (
        ("export", str(tmp_path), "base"),
        ("predict", str(tmp_path), "a.png", "--network", "base"),
    ):
        status, printed, said = call(*words)
        assert (status, printed) == (2, "")
        assert said.startswith(
            "a network is exported with its table of stages, got one that mine:make makes: load the"
        )
        assert str(tmp_path / "checkpoints") in said


def test_predict_decodes_by_the_rules_of_the_card(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.full((30, 30), 2048, np.uint16)).save(path)
    assert set(_decoded([path], SCANS).flatten().tolist()) == {128}
    assert set(_decoded([path], CARD).flatten().tolist()) == {8}
    Image.new("LA", (30, 30), (200, 0)).save(path)
    assert set(_decoded([path], SCANS).flatten().tolist()) == {0}
    assert set(_decoded([path], CARD).flatten().tolist()) == {255}


@pytest.mark.parametrize(("upright", "orientation"), [(True, 1), (False, 6)])
def test_predict_turns_photographs_upright(tmp_path: Path, upright: bool, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = np.zeros((48, 48), np.uint8)
    shown[:24] = 255  # the sky is above
    stored = shown if upright else np.ascontiguousarray(np.rot90(shown))
    path = tmp_path / "photo.jpg"
    Image.fromarray(stored).save(path, exif=exif)
    decoded = _decoded([path], CARD)[0, 0].int()
    assert decoded[:10].min() > 200
    assert decoded[-10:].max() < 50


def test_a_file_that_can_not_be_predicted_is_named_in_one_line(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = tmp_path / "net.safetensors"
    export(build(CARD.architecture).eval(), CARD, model, "safetensors")
    scan = tmp_path / "scan.tif"
    Image.fromarray(np.linspace(-9, 9, 900).reshape(30, 30).astype(np.float32)).save(scan)
    status, printed, said = call("predict", str(model), str(scan))
    assert (status, printed) == (2, "")
    assert "value_range = [-9, 9]" in said
    assert len(said.strip().splitlines()) == 1
