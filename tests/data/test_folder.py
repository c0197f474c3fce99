from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from scaling_search.data import decode
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest
from scaling_search.errors import UserError
from tests.data.conftest import disc, forget


def asked(folder: Path, **fields: bool | int | float) -> DataRequest:
    return DataRequest("imagefolder", root=str(folder), **fields)  # type: ignore[arg-type]


def test_a_folder_is_read_by_its_class_folders(folder: Path) -> None:
    info = describe(asked(folder, validation_fraction=0.2))
    assert info.classes == ("cat", "dog")
    assert (info.train_images, info.validation_images, info.test_images) == (16, 4, 8)
    assert (info.channels, info.native_px) == (3, 16)
    assert info.bytes == 28 * 3 * 16 * 16


def test_images_are_resized_by_their_shorter_side_and_cut_to_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    wide = Image.new("RGB", (60, 20), (255, 0, 0))
    wide.paste((0, 0, 255), (20, 0, 40, 20))  # the middle third is blue
    wide.save(path)
    for px in (20, 10, 30):
        image = decode.decode(path, px, channels=3)
        assert image.shape == (3, px, px)
        assert image[:, px // 2, px // 2].tolist() == [0, 0, 255]
        assert (image[2] > 200).mean() > 0.9


def test_grey_is_kept_grey_only_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    disc(40, (16, 16), colour=False).save(path)
    assert decode.decode(path, 16, channels=3).shape == (3, 16, 16)
    assert decode.decode(path, 16, channels=1).shape == (1, 16, 16)


def test_greyscale_makes_one_channel_and_another_fingerprint(folder: Path) -> None:
    colour, grey = describe(asked(folder)), describe(asked(folder, greyscale=True))
    assert (colour.channels, grey.channels) == (3, 1)
    assert colour.fingerprint != grey.fingerprint
    split = load_split(asked(folder, greyscale=True), "train", 8)
    assert split.fetch(torch.tensor([0])).shape == (1, 1, 8, 8)
    assert split.mean.shape == (1,)


def test_all_splits_carry_the_mean_of_the_train_split(folder: Path) -> None:
    request = asked(folder)
    train, validation, test = (load_split(request, s, 8) for s in ("train", "validation", "test"))
    images = train.fetch(torch.arange(len(train))).double() / 255
    assert torch.allclose(train.mean.double(), images.mean((0, 2, 3)))
    deviation = images.std((0, 2, 3), correction=0)
    assert torch.allclose(train.std.double(), deviation)
    for split in (validation, test):
        assert torch.equal(split.mean, train.mean)
        assert torch.equal(split.std, train.std)


def test_val_is_the_test_split_where_there_is_no_test(folder: Path) -> None:
    (folder / "test").rename(folder / "val")
    assert describe(asked(folder)).test_images == 8


def test_the_fingerprint_follows_names_and_bytes_not_the_place(
    folder: Path, tmp_path: Path
) -> None:
    first = describe(asked(folder)).fingerprint
    shutil.copytree(folder, tmp_path / "moved")
    assert describe(asked(tmp_path / "moved")).fingerprint == first
    disc(33, (20, 16)).save(tmp_path / "moved" / "train" / "cat" / "0.png")
    assert describe(asked(tmp_path / "moved")).fingerprint != first


def test_a_file_is_decoded_once_and_again_after_a_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    measure = decode.size_of

    def counting(path: Path, content: bytes) -> tuple[int, int]:
        seen.append(path.name)
        return measure(path, content)

    monkeypatch.setattr("scaling_search.data.manifest.size_of", counting)
    describe(asked(folder))
    assert len(seen) == 28
    describe(asked(folder))
    assert len(seen) == 28
    disc(34, (20, 16)).save(folder / "test" / "dog" / "3.png")
    describe(asked(folder))
    assert seen[28:] == ["3.png"]


@pytest.mark.parametrize("content", [b"", b"no image", None])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_damaged_image_is_named_before_training(
    folder: Path, split: str, content: bytes | None
) -> None:
    path = folder / split / "dog" / "2.png"
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    with pytest.raises(UserError, match=r"2\.png") as caught:
        describe(asked(folder))
    assert "\n" not in str(caught.value)


def test_a_truncated_jpeg_is_named(folder: Path) -> None:
    path = folder / "train" / "cat" / "photo.jpg"
    disc(90, (400, 300)).save(path)
    describe(asked(folder))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"photo\.jpg"):
        describe(asked(folder))


def test_an_image_that_is_a_bomb_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UserError, match="decompression bomb"):
        describe(asked(folder))


def test_an_image_that_is_not_used_is_not_opened(folder: Path, cache: Path) -> None:
    describe(asked(folder, train_images=8, test_images=2))
    opened = [len(json.loads(path.read_text())) for path in cache.glob("manifests/*.json")]
    assert sorted(opened) == [2, 8]


@pytest.mark.parametrize("missing", ["", "train", "test"])
def test_a_missing_folder_is_named_with_the_layout(folder: Path, missing: str) -> None:
    shutil.rmtree(folder / missing)
    with pytest.raises(UserError, match="train/<class>/") as caught:
        describe(asked(folder))
    assert str(folder) in str(caught.value)


def test_a_class_without_images_is_named(folder: Path) -> None:
    (folder / "train" / "empty").mkdir()
    with pytest.raises(UserError, match="empty"):
        describe(asked(folder))


def test_classes_that_differ_between_splits_are_named(folder: Path) -> None:
    shutil.rmtree(folder / "test" / "dog")
    with pytest.raises(UserError, match="same classes, got 'dog'"):
        describe(asked(folder))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_worker_decodes_too(folder: Path) -> None:
    load_split(asked(folder), "train", 8)
    forget()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = int(load_split(asked(folder), "train", 9).fetch(torch.tensor([0])).shape[-1])
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9


def test_imagenette_lies_in_its_own_folder_under_readable_names(
    folder: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home" / "imagenette2-160"
    for split, name in (("train", "train"), ("test", "val")):
        shutil.copytree(folder / split / "cat", home / name / "n01440764")
        shutil.copytree(folder / split / "dog", home / name / "n02102040")
    request = DataRequest("imagenette", root=str(tmp_path / "home"))
    assert describe(request).classes == ("tench", "English springer")


def test_a_missing_imagenette_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"imagenette2-320, which isn't there: use --download"):
        describe(DataRequest("imagenette", root=str(tmp_path)))
