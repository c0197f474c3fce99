"""`evaluate` by hand: what it prints, writes and refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import count
from scaling_search.latency.job import Machine, Regime, TimeBudget
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Profile
from scaling_search.pretrained.classes import imagenet_names
from tests.pretrained.conftest import photographs
from tests.program import call

__all__ = ["photographs"]


def resnet(folder: Path) -> str:
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), folder / "r18.pth")
    return f"resnet-18@{folder / 'r18.pth'}"


def test_a_table_is_printed_and_all_is_written(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluated"
    words = ("evaluate", resnet(tmp_path), "--root", str(photographs), "--px", "64")
    status, printed, said = call(*words, "--out", str(out), "--device", "cpu")
    assert status == 0
    assert "5 images of 5 classes of val/" in printed
    assert "not shown to be better than chance" in printed  # its weights are random
    assert said == "resnet-18: 5 images\n"
    assert (out / "networks.csv").read_text().startswith("network,weights,px,reading,n,")
    status, printed, _ = call(*words, "--json", "--device", "cpu")
    (row,) = json.loads(printed)["networks"]
    assert (row["network"], row["px"], row["macs"]) == (
        "resnet-18",
        64,
        count(zoo.get("resnet-18").fitted(resolution_px=64)).macs,
    )


def in_one_process(
    networks: Sequence[Architecture], regimes: Sequence[Regime], budget: TimeBudget, place: Machine
) -> Profile:
    """The profiler, with one attempt of one process: how often it asks is its own tests' matter."""
    return profile(networks, regimes, replace(budget, processes=1, attempts=1), place=place)


def test_networks_are_timed_where_that_is_asked(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaling_search.pretrained.timing.profile", in_one_process)
    words = ("evaluate", resnet(tmp_path), "--root", str(photographs), "--px", "64", "--json")
    status, printed, said = call(*words, "--device", "cpu", "--latency", "--seconds", "0.3")
    assert status == 0
    assert "timing 1 network: 0.3 s and a warm-up" in said
    found = json.loads(printed)
    (row,) = found["networks"]
    assert 0 < row["latency_low_ms"] <= row["latency_ms"] <= row["latency_high_ms"]
    assert any("the median of an image: inference, batch 1" in each for each in found["remarks"])
    status, _, said = call(*words, "--device", "cpu", "--latency", "--seconds", "0")
    assert (status, said) == (2, "seconds must be positive and finite, got 0.0\n")


def test_without_images_the_way_out_is_named(tmp_path: Path) -> None:
    status, printed, said = call("evaluate", resnet(tmp_path))
    assert (status, printed) == (2, "")
    assert said == (
        "an evaluation needs images, got none: name with --root the folder that holds val/\n"
    )


def test_nothing_is_fetched_unasked(photographs: Path, tmp_path: Path) -> None:
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path))
    try:
        words = ("evaluate", "resnet-18", "--weights", "torchvision", "--root", str(photographs))
        status, _, said = call(*words)
    finally:
        torch.hub.set_dir(before)
    assert status == 2
    assert "got none: --download fetches them from https://download.pytorch.org/" in said


def test_predict_takes_the_same_names(photographs: Path, tmp_path: Path) -> None:
    coffee = photographs / "val" / "n07920052" / "coffee.png"
    status, printed, said = call("predict", resnet(tmp_path), str(coffee), "--top", "3", "--json")
    assert (status, said) == (0, "")
    rows = json.loads(printed)
    assert [row["rank"] for row in rows] == [1, 2, 3]
    assert {row["class"] for row in rows} < set(imagenet_names())
    status, _, said = call("predict", "resnet-81@torchvision", str(coffee))
    assert status == 2
    assert "did you mean resnet-18" in said
    status, _, said = call("predict", "gone.safetensors", str(coffee))
    assert (status, said) == (2, "a network's file must exist, got 'gone.safetensors'\n")
    status, _, said = call("predict", "resnet-18@gone.safetensors", str(coffee))
    assert status == 2
    assert "a file or a run directory, got 'gone.safetensors': nothing lies there" in said
    status, _, said = call("predict", "runs/gone", str(coffee))
    assert status == 2
    assert "got 'runs/gone': nothing lies there, and no network is called so" in said
