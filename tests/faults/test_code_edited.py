"""The code of the user's own network is edited after its run began, in a file of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from scaling_search.experiment.study_file import to_toml
from tests.faults import driving
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


def searched(folder: Path) -> str:
    """What the study's search said, by a process that was started in the user's folder."""
    words = ["search", "mine.toml", "--out", "out", "--function", "mynet:make"]
    words += ["--device", "cpu", "--workers", "1"]
    said = folder / "said"
    assert driving.ended(words, said, partial(driving.as_in, folder)) == 0, said.read_text()
    return said.read_text()


def test_what_a_module_of_the_networks_module_says_counts(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(to_toml(STUDY))
    (tmp_path / "mynet.py").write_text(NETWORK)
    (tmp_path / "blocks.py").write_text(BLOCKS.format(""))
    said = searched(tmp_path)
    assert "its results are told apart by the code of 2 modules: blocks, mynet" in said
    trained = lines(tmp_path / "out")
    assert len(trained) == 3
    (tmp_path / "blocks.py").write_text(BLOCKS.format("  # as before, for all that anybody knows"))
    searched(tmp_path)
    both = lines(tmp_path / "out")
    assert both[:3] == trained
    assert len(both) == 6
    sources = [line["record"]["job"]["architecture"]["source"] for line in both]
    assert len(set(sources[:3])) == len(set(sources[3:])) == 1
    assert sources[0] != sources[3]
