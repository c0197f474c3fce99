"""The code of the user's own network is edited after its run began, in a file of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.experiment.study_file import to_toml
from tests.faults.study import STUDY, lines

NETWORK = """from torch import nn

import blocks


def make(multipliers):
    channels = round(8 * multipliers.width)
    layers = [nn.Conv2d(1, channels, 3, 2, 1)]
    for _ in range(round(2 * multipliers.depth)):
        layers += [nn.Conv2d(channels, channels, 3, 1, 1), nn.BatchNorm2d(channels), blocks.relu()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 20))
"""
BLOCKS = "from torch import nn\n\n\ndef relu():\n    return nn.ReLU(){}\n"


def search(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The study's search by a process that was started in the user's folder."""
    command = [sys.executable, "-m", "scaling_search", "search", "mine.toml", "--out", "out"]
    return subprocess.run(
        [*command, "--function", "mynet:make", "--device", "cpu", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_what_a_module_of_the_networks_module_says_counts(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(STUDY))
    (tmp_path / "mynet.py").write_text(NETWORK)
    (tmp_path / "blocks.py").write_text(BLOCKS.format(""))
    first = search(tmp_path, "--workers", "1")
    assert first.returncode == 0, first.stderr
    assert "its results are told apart by the code of 2 modules: blocks, mynet" in first.stderr
    trained = lines(tmp_path / "out")
    assert len(trained) == 3
    (tmp_path / "blocks.py").write_text(BLOCKS.format("  # as before, for all that anybody knows"))
    assert search(tmp_path, "--workers", "1").returncode == 0
    both = lines(tmp_path / "out")
    assert both[:3] == trained
    assert len(both) == 6
    sources = [line["record"]["job"]["architecture"]["source"] for line in both]
    assert len(set(sources[:3])) == len(set(sources[3:])) == 1
    assert sources[0] != sources[3]
