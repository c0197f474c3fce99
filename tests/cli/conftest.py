"""A network of one's own, as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

NETWORK = """name = "mine"
resolution_px = 16
stem_channels = 8
head_channels = 32
num_classes = 10

[[stages]]
block = "mbconv"
channels = 8
repeats = 1
kernel = 1
"""


@pytest.fixture
def network_file(tmp_path: Path) -> str:
    """The name of a file that holds a network of one's own."""
    path = tmp_path / "mine.toml"
    path.write_text(NETWORK)
    return str(path)
