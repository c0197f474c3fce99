"""The benchmark of a GPU's training rates, in little on the CPU."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
RATES = {"default": [100.0], "+ tf32": [150.0], "timm": [50.0], "airbench": [300.0]}


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("gpu_throughput")


def test_it_runs_on_a_cpu_and_prints_one_claim() -> None:
    words = ["--device", "cpu", "--rounds", "2", "--seconds", "0.01", "--json"]
    done = subprocess.run(
        [sys.executable, str(FOLDER / "gpu_throughput.py"), *words],
        capture_output=True,
        text=True,
        check=True,
    )
    (claim,) = json.loads(done.stdout)
    assert claim["claim"] == "nano, 16 px, batch 8 trains at 10 times the rate"
    assert (claim["peer"], claim["n"]) == ("a default training", 2)
    assert "nothing here says anything of a GPU" in done.stderr


def test_each_way_is_beside_the_one_before_and_beside_both_peers(benchmark: ModuleType) -> None:
    rows = [row.split("|")[1:-1] for row in benchmark.table(RATES).splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells[0] == ["way", "images/s", "/ before", "/ timm", "/ airbench"]
    assert cells[2] == ["default", "100", "", "2.00", "0.33"]
    assert cells[3] == ["+ tf32", "150", "1.50", "3.00", "0.50"]
    assert cells[5] == ["airbench", "300", "", "6.00", "1.00"]


def test_a_large_network_is_claimed_beside_timm(benchmark: ModuleType) -> None:
    work = benchmark.work_of("efficientnet-b0:224:3:256")
    rates = {name: 2 * each for name, each in RATES.items()}
    claim = benchmark.claim(work, rates)
    assert (claim.peer, claim.ratio, claim.reached) == ("timm's step with AMP", 3.0, True)
    small = benchmark.claim(benchmark.work_of("micro:28:1:64"), rates)
    assert (small.peer, small.ratio, small.reached) == ("a default training", 1.5, False)


def test_the_crops_of_a_whole_set_are_those_of_each_image(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer_steps = importlib.import_module("gpu.peer_steps")
    framed = torch.arange(3 * 36).view(3, 1, 6, 6)
    places = torch.tensor([[0, 1, 2], [2, 0, 1]])
    monkeypatch.setattr(peer_steps.torch, "randint", lambda *_, **__: places)
    made: Any = peer_steps._cropped(framed, 4, 1)
    for number, (top, left) in enumerate(places.T.tolist()):
        assert torch.equal(made[number], framed[number, :, top : top + 4, left : left + 4])
