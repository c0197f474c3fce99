"""The seeds that a benchmark trains at once have the losses that each has alone."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
ASKED = {"network": "nano", "px": 16, "images": 200, "loaders": 0, "batch_size": 16, "seeds": 3}


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("peers.seeds")


@pytest.fixture
def task(seeds: Any) -> Any:
    return importlib.import_module("peers.child").task_of(ASKED)


@pytest.mark.parametrize("way", ["grouped", "stacked"])
def test_each_seed_has_the_losses_it_has_alone(seeds: Any, task: Any, way: str) -> None:
    apart = seeds.losses_apart(task, 4, torch.float64)
    at_once = seeds.losses_at_once(task, way, 4, torch.float64)
    assert at_once.shape == (4, 3)
    assert torch.allclose(at_once, apart, rtol=1e-6, atol=0)
    assert len({round(loss, 6) for loss in at_once[-1].tolist()}) == 3  # three trainings, not one


def test_networks_side_by_side_score_their_own_images(
    seeds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("peers.side_by_side")
    torch.manual_seed(0)
    models = [
        nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
        .append(nn.Linear(4, 5))
        .double()
        for _ in range(2)
    ]
    images = torch.randn(2, 3, 2, 8, 8, dtype=torch.float64)
    together = module.side_by_side(models)(torch.cat(list(images), 1))
    for number, model in enumerate(models):
        assert torch.allclose(together[:, number], model(images[number]))


def test_a_layer_that_can_not_be_put_side_by_side_is_named(seeds: Any) -> None:
    module = importlib.import_module("peers.side_by_side")
    with pytest.raises(TypeError, match="networks with a LayerNorm"):
        module.side_by_side([nn.LayerNorm(4), nn.LayerNorm(4)])
