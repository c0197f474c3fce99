"""Which files are data: what is passed over is counted, what can't be used is named, all of it."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torchvision.datasets

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.data.sources.base import MOST_NAMED
from scaling_search.data.sources.folder_scan import scan
from tests.data.conftest import disc, forget


def described(root: Path, **fields: Any) -> DataInfo:
    forget()
    return describe(DataRequest("imagefolder", root=str(root), **fields))


def counts(info: DataInfo) -> tuple[int, int, int]:
    return info.train_images, info.validation_images, info.test_images


def picture(path: Path, level: int = 7) -> None:
    """A picture that no other test's picture equals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    disc(level, (20, 16)).save(path, format="PNG")


def test_the_order_is_that_of_torchvision(folder: Path) -> None:
    for name in ("a/x.png", "a b/x.png", "a.b/x.png", "Z/x.png", "x.PNG", "10.png", "é.png"):
        picture(folder / "train" / "cat" / name)
    theirs = torchvision.datasets.ImageFolder(folder / "train")
    ours = scan(folder / "train", "")
    assert list(ours.classes) == theirs.classes
    paths = [Path(path).relative_to(folder / "train").as_posix() for path, _ in theirs.samples]
    assert list(ours.names) == paths
    assert ours.labels.tolist() == theirs.targets


LEFT_BY_SYSTEMS = [
    ".ipynb_checkpoints/0-checkpoint.png",
    "._0.png",
    ".DS_Store",
    ".hidden.png",
    ".thumbnails/normal/0.png",
    "__MACOSX/0.png",
    "@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
    "#recycle/0.png",
    "Thumbs.db",
    "desktop.ini",
]


@pytest.mark.parametrize("name", LEFT_BY_SYSTEMS)
def test_what_systems_leave_behind_is_no_data_and_is_said_once(folder: Path, name: str) -> None:
    before = described(folder)
    picture(folder / "train" / "cat" / name)
    after = described(folder)
    assert (counts(after), after.fingerprint) == (counts(before), before.fingerprint)
    (said,) = [note for note in after.notes if "passed over" in note]
    kind = "hidden files" if name.startswith(".") and "/" not in name else name.split("/")[0]
    assert said.startswith(f"passed over in train/: 1 {kind}")


def test_a_macs_leavings_beside_the_classes_are_named_with_the_remedy(folder: Path) -> None:
    before = described(folder)
    picture(folder / "train" / "__MACOSX" / "cat" / "._0.png")
    picture(folder / "__MACOSX" / "train" / "cat" / "._0.png")
    after = described(folder)
    assert (after.classes, after.fingerprint) == (before.classes, before.fingerprint)
    said = "1 __MACOSX/ (left by a Mac's archiver: delete it)"
    assert f"passed over in images/: {said}" in after.notes
    assert f"passed over in train/: {said}" in after.notes


def test_files_of_other_endings_are_counted_by_ending(folder: Path) -> None:
    for name in ("a.txt", "b.TXT", "c.dcm", "LICENSE", "d.npy"):
        (folder / "train" / "dog" / name).write_text("x")
    picture(folder / "train" / "stray.png")
    (said,) = [note for note in described(folder).notes if "passed over" in note]
    assert said == "passed over in train/: 2 .txt, 1 .dcm, 1 .npy, 1 .png, 1 LICENSE"


@pytest.mark.parametrize("ending", ["JPG", "jfif", "JPE", "Gif", "TIFF", "webp", "avif", "pnm"])
def test_images_of_every_usual_ending_are_data(folder: Path, ending: str) -> None:
    before = counts(described(folder))
    image = disc(77, (20, 16))
    kinds = {"jpg": "JPEG", "jfif": "JPEG", "jpe": "JPEG", "pnm": "PPM"}
    kind = kinds.get(ending.lower(), ending.upper())
    image.save(folder / "test" / "dog" / f"new.{ending}", format=kind)
    assert counts(described(folder)) == (*before[:2], before[2] + 1)


@pytest.mark.parametrize("target", [".", "..", "../..", "../dog", "sub"])
def test_a_link_by_which_images_are_reached_twice_is_refused(folder: Path, target: str) -> None:
    picture(folder / "train" / "cat" / "sub" / "deep.png")
    link = folder / "train" / "cat" / "loop"
    link.symlink_to(target)
    with pytest.raises(UserError, match="must be reached once, got") as refused:
        described(folder)
    assert "take the link away" in str(refused.value)


def test_a_link_to_images_of_another_split_is_said_by_its_copies(folder: Path) -> None:
    (folder / "train" / "dog" / "more").symlink_to("../../test/dog")
    info = described(folder, validation_fraction=0.05)
    assert info.train_images + info.validation_images == 24
    assert any("of 8 test images are copies of training images" in note for note in info.notes)


def test_a_link_to_images_elsewhere_is_followed(folder: Path, tmp_path: Path) -> None:
    before = described(folder)
    shutil.move(folder / "train" / "cat", tmp_path / "elsewhere")
    (folder / "train" / "cat").symlink_to(tmp_path / "elsewhere")
    assert described(folder).fingerprint == before.fingerprint


def test_links_in_a_circle_are_passed_over(folder: Path) -> None:
    cat = folder / "train" / "cat"
    (cat / "a").symlink_to("b")
    (cat / "b").symlink_to("a")
    assert counts(described(folder))[2] == 8


def test_a_link_to_nothing_and_a_pipe_are_named_and_not_waited_for(folder: Path) -> None:
    (folder / "train" / "cat" / "gone.png").symlink_to("nowhere")
    os.mkfifo(folder / "train" / "cat" / "pipe.png")
    with pytest.raises(UserError, match=r"2 files in .*gone\.png .*pipe\.png \(no plain file\)"):
        described(folder)


def test_a_folder_that_can_not_be_read_is_named_and_not_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = folder / "train" / "cat" / "private"
    locked.mkdir()
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path) == locked:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UserError, match="private must be readable, got Permission denied"):
        described(folder)


def test_all_bad_files_of_all_splits_are_named_in_one_line(folder: Path) -> None:
    bad = ["train/cat/3.png", "train/dog/0.png", "test/dog/1.png"]
    for name in bad:
        (folder / name).write_bytes(b"no image")
    with pytest.raises(UserError, match=r"3 files in .* can't be used") as refused:
        described(folder)
    for name in bad:
        assert f"{name} (bytes of no known kind)" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_of_many_bad_files_a_hundred_are_named_and_the_others_counted(folder: Path) -> None:
    for number in range(MOST_NAMED + 5):
        (folder / "test" / "dog" / f"bad{number}.png").write_bytes(b"")
    with pytest.raises(UserError, match=f"{MOST_NAMED + 5} files in .*, 5 more: replace") as no:
        described(folder)
    assert str(no.value).count("(bytes of") == MOST_NAMED


def test_all_classes_without_images_are_named_with_what_they_hold(folder: Path) -> None:
    for split in ("train", "test"):
        (folder / split / "emu").mkdir()
        (folder / split / "fox").mkdir()
        (folder / split / "fox" / "scan.dcm").write_text("x")
    with pytest.raises(UserError, match=r"none in 'emu', 'fox' \(only 1 \.dcm\)") as refused:
        described(folder)
    assert ".jfif" in str(refused.value)


def test_all_classes_that_one_split_lacks_are_named(folder: Path) -> None:
    picture(folder / "train" / "emu" / "0.png")
    picture(folder / "test" / "fox" / "0.png")
    with pytest.raises(UserError, match="must have the same classes, got 'emu', 'fox' in one"):
        described(folder)


def test_a_class_name_of_another_unicode_form_is_the_same_class(folder: Path) -> None:
    names = {"train": unicodedata.normalize("NFD", "café"), "test": "café"}
    for split, name in names.items():
        (folder / split / "cat").rename(folder / split / name)
    assert described(folder).classes == ("café", "dog")


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Valid"])
def test_a_validation_folder_beside_test_is_the_validation_split(folder: Path, name: str) -> None:
    for kind, level in (("cat", 201), ("dog", 211)):
        for number in range(3):
            picture(folder / name / kind / f"{number}.png", level + number)
    info = described(folder)
    assert counts(info) == (20, 6, 8)
    assert f"validation images: those of {name}/, and none are held out" in info.notes
    request = DataRequest("imagefolder", root=str(folder))
    split = load_split(request, "validation", 8)
    assert split.labels.tolist() == [0, 0, 0, 1, 1, 1]
    cut = described(folder, train_images=6, test_images=2)
    assert counts(cut) == (6, 6, 2)


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_validation_folder_without_test_is_the_test_split_and_that_is_said(
    folder: Path, name: str
) -> None:
    before = described(folder)
    (folder / "test").rename(folder / name)
    info = described(folder)
    assert (counts(info), info.fingerprint) == (counts(before), before.fingerprint)
    assert info.notes[0].startswith(f"test images: those of {name}/, there is no test/")


def test_a_validation_folder_of_other_classes_is_refused_with_the_way_out(folder: Path) -> None:
    picture(folder / "val" / "images" / "0.png")
    with pytest.raises(UserError, match="call the folder otherwise so that it is passed over"):
        described(folder)


@pytest.mark.parametrize(("train", "test"), [("Train", "TEST"), ("training", "Testing")])
def test_split_folders_of_other_cases_and_forms_are_found(
    folder: Path, train: str, test: str
) -> None:
    before = described(folder).fingerprint
    (folder / "train").rename(folder / train)
    (folder / "test").rename(folder / test)
    assert described(folder).fingerprint == before


def test_folders_beside_the_splits_are_said_to_be_passed_over(folder: Path) -> None:
    picture(folder / "unsorted" / "0.png")
    assert "passed over in images/: 1 unsorted/" in described(folder).notes


def test_training_and_test_in_one_folder_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / "test")
    (folder / "test").symlink_to("train")
    with pytest.raises(UserError, match="must be different folders, got one"):
        described(folder)


def test_copies_of_training_images_in_other_splits_are_counted(folder: Path) -> None:
    assert not [note for note in described(folder).notes if "copies" in note]
    for number in range(3):
        shutil.copy(folder / "train" / "cat" / f"{number}.png", folder / "test" / "dog")
    (said,) = [note for note in described(folder, validation_fraction=0.1).notes if "cop" in note]
    assert said.endswith("of 8 test images are copies of training images: their score is too good")


def test_a_root_that_is_too_high_is_answered_with_the_right_one(folder: Path) -> None:
    (folder.parent / "__MACOSX" / "images" / "train").mkdir(parents=True)
    with pytest.raises(UserError, match=f"name {folder} with --root"):
        described(folder.parent)


def test_a_windows_made_set_is_read(tmp_path: Path) -> None:
    root = tmp_path / "Bilder"
    for split, count in (("Train", 6), ("Test", 3)):
        for kind, level in (("Hund", 20), ("Katze", 120)):
            for number in range(count):
                picture(root / split / kind / f"IMG_{number}.PNG", level + 7 * number + count)
            (root / split / kind / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
            (root / split / kind / "desktop.ini").write_bytes(b"\xff\xfe[\0")
    info = described(root)
    assert (info.classes, info.test_images) == (("Hund", "Katze"), 6)
    assert info.notes[:2] == (
        "passed over in Train/: 2 Thumbs.db, 2 desktop.ini",
        "passed over in Test/: 2 Thumbs.db, 2 desktop.ini",
    )
    assert info.notes[2].startswith("the smallest class, Hund, has 1 image for validation (2 cla")


def test_names_that_are_no_utf8_are_data_like_others(tmp_path: Path) -> None:
    root, old = tmp_path / "set", os.fsdecode(b"gr\xfcn")  # as Latin-1 has it
    for split, count in (("train", 4), ("test", 2)):
        for number in range(count):
            picture(root / split / old / f"{old} {number}.png", 20 + number)
            picture(root / split / "rot" / f"{number}.png", 120 + number)
    info = described(root)
    assert info.classes == ("gr\\xfcn", "rot")
    assert (info.train_images + info.validation_images, info.test_images) == (8, 4)
    assert described(root).fingerprint == info.fingerprint


def test_a_class_with_few_validation_images_is_named_and_the_remedy_fits(tmp_path: Path) -> None:
    def few(**fields: float) -> list[str]:
        return [note for note in described(root, **fields).notes if "smallest class" in note]

    root = tmp_path / "scans"
    for split, kind, count in (
        ("train", "common", 100),
        ("train", "rare", 20),
        ("test", "rare", 1),
    ):
        for number in range(count):
            picture(root / split / kind / f"{number}.png", number + 100 * (kind == "rare"))
    picture(root / "test" / "common" / "0.png", 255)
    (said,) = few(validation_fraction=0.1)
    assert said == (
        "the smallest class, rare, has 2 images for validation: what is said of it hangs on single "
        "images; raise validation_fraction or add images"
    )
    assert few(validation_fraction=0.5) == []
    for kind, count in (("common", 9), ("rare", 10)):
        for number in range(count):
            picture(root / "val" / kind / f"{number}.png", 150 + number)
    (said,) = few()
    assert "common, has 9 images" in said
    assert said.endswith("hangs on single images; add images")
