from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from scaling_search.core.errors import UserError
from scaling_search.data import decode, file_facts, manifest
from scaling_search.data.jpeg_header import jpeg_header
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest
from tests.data.conftest import disc, forget


def asked(folder: Path, **fields: Any) -> DataRequest:
    return DataRequest("imagefolder", root=str(folder), **fields)


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
    seen: list[bytes] = []
    measure = decode.inspect_image

    def counting(content: bytes) -> decode.ImageFacts:
        seen.append(content)
        return measure(content)

    monkeypatch.setattr("scaling_search.data.file_facts.inspect_image", counting)
    describe(asked(folder))
    assert len(seen) == 28
    describe(asked(folder))
    assert len(seen) == 28
    changed = folder / "test" / "dog" / "3.png"
    disc(34, (20, 16)).save(changed)
    describe(asked(folder))
    assert seen[28:] == [changed.read_bytes()]


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
    opened = [len(json.loads(path.read_text())) for path in cache.glob("manifests-*/*.json")]
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


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("nowhere", "nothing is: put the images in <root>/train/<class>/"),
        ("train", "name its parent"),
        ("test/cat/0.png", "a file"),
        ("test", "name its parent"),
    ],
)
def test_a_wrong_root_is_answered_with_what_to_do(folder: Path, inside: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        describe(asked(folder / inside))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("photos.zip", "unpack it, and name the folder that comes out"),
        ("MÜNZEN", "did you mean .*m\u00fcnzen"),
        ("mu\u0308nzen", "did you mean .*m\u00fcnzen"),
        ("C:\temp", "separate folders by /"),  # of TOML's \\t
    ],
)
def test_a_root_as_windows_names_it_is_told_the_way_out(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    (tmp_path / "m\u00fcnzen").mkdir()
    with pytest.raises(UserError, match=said):
        describe(asked(tmp_path / name))


def test_one_class_alone_is_refused(folder: Path) -> None:
    for split in ("train", "test"):
        shutil.rmtree(folder / split / "dog")
    with pytest.raises(UserError, match="each of 2 classes or more, got 'cat' alone"):
        describe(asked(folder))


def test_jpegs_show_the_same_whoever_decodes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.jpg"
    for mode, side, options in (
        ("RGB", (64, 64), {}),
        ("RGB", (150, 90), {"progressive": True}),
        ("RGB", (70, 81), {"subsampling": 0}),
        ("L", (64, 50), {}),
        ("CMYK", (64, 50), {}),
        ("RGB", (900, 700), {}),  # large enough for Pillow to decode a part of its pixels
    ):
        disc(60, side).convert(mode).save(path, "JPEG", **options)
        header = jpeg_header(memoryview(path.read_bytes()))
        assert header is not None
        assert header.side_px == min(side)
        for px in (64, 40):
            ours = decode.decode(path, px, channels=3)
            with monkeypatch.context() as patched:
                patched.setattr(decode, "_by_torchvision", lambda path, px: None)
                assert (ours == decode.decode(path, px, channels=3)).all()


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10JFIF", b"\x89PNG\r\n"]
)
def test_what_is_no_jpeg_has_no_jpeg_side(content: bytes) -> None:
    assert jpeg_header(memoryview(content)) is None


@pytest.fixture
def by_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the folder were too large to be read whole before a training."""
    monkeypatch.setattr(manifest, "WHOLE_BYTES", 100)


@pytest.mark.usefixtures("by_ends")
@pytest.mark.parametrize("damage", ["cut", "empty", "other", "missing end"])
def test_of_a_large_folder_a_damaged_file_is_named_by_its_ends(folder: Path, damage: str) -> None:
    path = folder / "train" / "cat" / "photo.jpg"
    disc(90, (400, 300)).save(path, quality=100)
    original = path.read_bytes()
    describe(asked(folder))
    cut = {"cut": original[:-200], "empty": b"", "other": b"no image", "missing end": original[:-2]}
    path.write_bytes(cut[damage])
    with pytest.raises(UserError, match=r"photo\.jpg must be an image, got"):
        describe(asked(folder))
    path.unlink()


@pytest.mark.usefixtures("by_ends")
def test_of_a_large_folder_only_the_ends_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(content: bytes) -> decode.ImageFacts:
        raise AssertionError("an image was decoded")

    path = folder / "train" / "cat" / "photo.jpg"
    disc(90, (400, 300)).save(path, quality=100)
    first = describe(asked(folder))
    assert (first.train_images + first.validation_images, first.native_px) == (21, 16)
    forget()
    monkeypatch.setattr(file_facts, "inspect_image", never)
    assert describe(asked(folder)) == first
    path.write_bytes(path.read_bytes()[:-2] + b"\0\xff\xd9")
    assert describe(asked(folder)).fingerprint != first.fingerprint


def test_the_two_ways_of_looking_are_remembered_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = describe(asked(folder)).fingerprint
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "WHOLE_BYTES", 100)
        assert describe(asked(folder)).fingerprint != original
    assert describe(asked(folder)).fingerprint == original


def test_what_was_checked_before_a_broken_file_is_not_checked_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "FILES_AT_ONCE", 1)
    broken = folder / "train" / "dog" / "9.png"
    kept = broken.read_bytes()
    broken.write_bytes(b"")
    with pytest.raises(UserError, match=r"9\.png"):
        describe(asked(folder))
    broken.write_bytes(kept)
    seen: list[bytes] = []

    def counting(content: bytes) -> decode.ImageFacts:
        seen.append(content)
        return decode.inspect_image(content)

    monkeypatch.setattr(file_facts, "inspect_image", counting)
    describe(asked(folder, validation_fraction=0.1))
    assert len(seen) < 28


def bitmap(path: Path, level: int) -> None:
    """A picture whose file has the same size whatever it shows."""
    Image.new("L", (16, 16), level).save(path, format="BMP")


def test_two_images_of_equal_size_that_change_places_are_other_images(folder: Path) -> None:
    first, other, aside = (folder / "test" / "cat" / f"{name}.bmp" for name in ("8", "9", "aside"))
    for path, level in ((first, 40), (other, 200)):
        bitmap(path, level)
        os.utime(path, ns=(10**18, 10**18))
    last = load_split(asked(folder), "test", 16).fetch(torch.tensor([4]))
    before = describe(asked(folder)).fingerprint
    first.rename(aside)
    other.rename(first)
    aside.rename(other)
    assert describe(asked(folder)).fingerprint != before
    now = load_split(asked(folder), "test", 16).fetch(torch.tensor([4]))
    assert (set(last.flatten().tolist()), set(now.flatten().tolist())) == ({40}, {200})


@pytest.mark.parametrize("how", ["rewritten", "replaced"])
def test_a_changed_image_of_equal_size_and_time_is_another_image(folder: Path, how: str) -> None:
    path = folder / "test" / "cat" / "9.bmp"
    bitmap(path, 40)
    before, first = path.stat(), describe(asked(folder))
    last = load_split(asked(folder), "test", 16).fetch(torch.tensor([4]))
    if how == "replaced":  # by a copy that keeps its time, as rsync and unpackers make it
        bitmap(folder / "new", 200)
        os.utime(folder / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
        (folder / "new").replace(path)
    else:
        bitmap(path, 200)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert describe(asked(folder)).fingerprint != first.fingerprint
    now = load_split(asked(folder), "test", 16).fetch(torch.tensor([4]))
    assert (set(last.flatten().tolist()), set(now.flatten().tolist())) == ({40}, {200})
