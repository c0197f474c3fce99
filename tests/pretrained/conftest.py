"""Real photographs in folders named by wnid."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from PIL import Image

# Espresso, Egyptian cat, missile, daisy; the grey one is a crane, more or less.
CLASSES = {"coffee": "n07920052", "cat": "n02124075", "rocket": "n04008634"}
OTHERS = {"flower": "n11939491", "brick": "n04326547"}


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with val/ alone: five images, one of them grey, two of them JPEG."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = pytest.importorskip("skimage.data", reason="the photographs are scikit-image's")
        datasets = pytest.importorskip("sklearn.datasets", reason="one is scikit-learn's")
        pixels = {name: getattr(images, name)() for name in CLASSES}
        pixels |= {"flower": datasets.load_sample_image("flower.jpg"), "brick": images.brick()}
    root = tmp_path_factory.mktemp("photographs")
    for name, wnid in (CLASSES | OTHERS).items():
        folder = root / "val" / wnid
        folder.mkdir(parents=True)
        ending = "jpg" if name in OTHERS else "png"
        Image.fromarray(pixels[name]).save(folder / f"{name}.{ending}")
    return root
