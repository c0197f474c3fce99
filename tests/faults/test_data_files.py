"""Fault 12: an image is corrupt or missing; the program says which before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.data.request import DataRequest
from scaling_search.experiment.study_file import to_toml
from tests.faults.study import STUDY
from tests.program import call


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of sixty small images in two classes."""
    noise = np.random.default_rng(0)
    for split, images in (("train", 24), ("test", 6)):
        for kind in ("cat", "dog"):
            folder = tmp_path / "photos" / split / kind
            folder.mkdir(parents=True)
            for number in range(images):
                pixels = noise.integers(0, 256, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{number:02}.png")
    data = DataRequest("imagefolder", root=str(tmp_path / "photos"), validation_fraction=0.25)
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(replace(STUDY, data=data)))
    return path


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "of other content": lambda path: path.write_bytes(b"no image"),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_image_is_named_in_one_line_and_nothing_is_trained(
    study: Path, tmp_path: Path, damage: str
) -> None:
    DAMAGES[damage](tmp_path / "photos" / "train" / "dog" / "07.png")
    status, printed, said = call("run", str(study), "--out", str(tmp_path / "out"))
    assert (status, printed) == (2, "")
    assert "07.png" in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_class_is_named_in_one_line_and_nothing_is_trained(
    study: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos" / "test" / "dog").rename(tmp_path / "elsewhere")
    status, printed, said = call("run", str(study), "--out", str(tmp_path / "out"))
    assert (status, printed) == (2, "")
    assert "'dog'" in said
    assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
