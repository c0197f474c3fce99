"""A cache of its own for each test, and small folders of images drawn for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.data import load


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test; nothing is remembered from the test before."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(folder))
    forget()
    return folder


def forget() -> None:
    """Let the next load find all things anew, as another process would."""
    for recent in (load._checked, load._statistics, load._splits):
        recent.clear()


def disc(level: int, side: tuple[int, int], colour: bool = True) -> Image.Image:
    """A picture (width × height) whose mean grows with the level, with an edge in it."""
    width, height = side
    y, x = np.mgrid[:height, :width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(side) / 4) ** 2
    grey = np.where(inside, 255 - level, level).astype(np.uint8)
    return Image.fromarray(np.stack([grey, grey // 2, 255 - grey], -1) if colour else grey)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An ImageFolder: classes cat and dog, 10 training and 4 test images each, 20 × 16 px."""
    root = tmp_path / "images"
    for split, count, first in (("train", 10, 0), ("test", 4, 2)):
        for name, base in (("cat", 20 + first), ("dog", 120 + first)):
            place = root / split / name
            place.mkdir(parents=True)
            for number in range(count):
                disc(base + 5 * number, (20, 16)).save(place / f"{number}.png")
    return root
