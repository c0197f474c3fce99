"""Which images are evaluated."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from scaling_search.core.errors import UserError
from scaling_search.pretrained.images import batches, labelled


def folders(root: Path, *names: str, images: int = 4) -> Path:
    for name in names:
        for kind in ("cat", "dog"):
            (root / name / kind).mkdir(parents=True)
            for number in range(images):
                Image.new("L", (8, 8), number).save(root / name / kind / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("there", "taken"),
    [(("train", "val", "test"), "val"), (("train", "test"), "test"), (("Validation",),) * 2],
)
def test_val_is_taken_else_test(there: tuple[str, ...], taken: object, tmp_path: Path) -> None:
    found = labelled(folders(tmp_path, *there))
    assert found.folder.name == (taken if isinstance(taken, str) else "Validation")
    assert found.folders == ("cat", "dog")
    assert found.labels == (0,) * 4 + (1,) * 4


def test_a_root_of_class_folders_is_taken_itself(tmp_path: Path) -> None:
    assert labelled(folders(tmp_path, "images") / "images").folder == tmp_path / "images"


def test_a_split_may_be_named(tmp_path: Path) -> None:
    root = folders(tmp_path, "val", "held-out")
    assert labelled(root, "held-out").folder == root / "held-out"
    with pytest.raises(UserError, match=r"split must be a folder of .*held-out, val"):
        labelled(root, "tset")


def test_a_few_images_come_evenly_from_all_classes(tmp_path: Path) -> None:
    found = labelled(folders(tmp_path, "val", images=9), images=4)
    assert found.names == ("cat/0.png", "cat/5.png", "dog/2.png", "dog/8.png")
    assert len(labelled(tmp_path, images=100)) == 18


def test_images_that_lie_flat_are_told_from_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "val").mkdir()
    with pytest.raises(UserError, match="put the images of each class into a folder"):
        labelled(tmp_path)
    Image.new("L", (8, 8)).save(tmp_path / "val" / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(UserError, match="its images lie flat: put those of each class"):
        labelled(tmp_path)


def test_an_absent_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a path where nothing is"):
        labelled(tmp_path / "nowhere")


@pytest.mark.parametrize("size", [1, 3, 8, 50])
def test_batches_keep_the_order_of_the_images(size: int, tmp_path: Path) -> None:
    found = labelled(folders(tmp_path, "val"))

    def read(path: Path) -> torch.Tensor:
        return torch.tensor([float(path.stem)])

    read_back = [value for batch in batches(found, read, size) for value in batch[:, 0].tolist()]
    assert read_back == [0.0, 1.0, 2.0, 3.0] * 2


def test_turned_images_are_counted(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    folders(tmp_path, "val")
    Image.new("L", (8, 8)).save(tmp_path / "val" / "cat" / "9.jpg", exif=exif)
    assert labelled(tmp_path).turned() == 1
