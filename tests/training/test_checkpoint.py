"""Checkpoints: whole or not used, on a disk that fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from scaling_search.core.atomic_files import write_atomically
from scaling_search.training.checkpoint import (
    Checkpoint,
    intact,
    load,
    save,
    step_of,
    valid_checkpoints,
)
from tests.full_disk import no_file_grows_beyond

ALL = 10**9 - 1


def at(step: int) -> Checkpoint:
    return Checkpoint(step, {"weight": torch.full((1000,), float(step))}, {"history": [step, 0.1]})


def steps(folder: Path, at_most: int = ALL) -> list[int]:
    return [checkpoint.step for checkpoint in valid_checkpoints(folder, at_most=at_most)]


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    loaded = load(save(tmp_path, at(7)))
    assert loaded is not None
    assert (loaded.step, loaded.record) == (7, {"history": [7, 0.1]})
    assert torch.equal(loaded.tensors["weight"], at(7).tensors["weight"])


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    for step in (5, 900, 1000):
        save(tmp_path, at(step))
    assert steps(tmp_path) == [1000, 900]
    assert len(list(tmp_path.iterdir())) == 2


def test_only_checkpoints_up_to_a_step_are_read(tmp_path: Path) -> None:
    save(tmp_path, at(10))
    save(tmp_path, at(20))
    assert steps(tmp_path, at_most=19) == [10]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert steps(tmp_path / "nowhere") == []


def test_a_foreign_file_is_neither_read_nor_dropped(tmp_path: Path) -> None:
    foreign = tmp_path / "weights.safetensors"
    foreign.write_bytes(b"mine")
    for step in (1, 2, 3):
        save(tmp_path, at(step))
    assert steps(tmp_path) == [3, 2]
    assert foreign.read_bytes() == b"mine"


@pytest.mark.parametrize("length", [0, 8, 100, -1])
def test_a_truncated_newest_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, length: int
) -> None:
    save(tmp_path, at(1))
    newest = save(tmp_path, at(2))
    newest.write_bytes(newest.read_bytes()[:length])
    assert steps(tmp_path) == [1]
    assert f"checkpoint {newest.name} is damaged" in caplog.text


@pytest.mark.parametrize("position", [0, 12, 2000, -1])
def test_a_flipped_bit_falls_back_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, position: int
) -> None:
    save(tmp_path, at(1))
    newest = save(tmp_path, at(2))
    content = bytearray(newest.read_bytes())
    content[position] ^= 1
    newest.write_bytes(content)
    assert steps(tmp_path) == [1]
    assert f"checkpoint {newest.name} is damaged" in caplog.text


def test_nothing_is_said_of_whole_checkpoints(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path, at(1))
    assert steps(tmp_path) == [1]
    assert caplog.text == ""


def test_one_that_another_process_has_just_dropped_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path, at(1))
    path.unlink()
    assert load(path) is None


def test_a_full_disk_leaves_the_old_one_readable_and_no_litter(tmp_path: Path) -> None:
    old = save(tmp_path, at(1))
    with no_file_grows_beyond(1000), pytest.raises(OSError, match="File too large"):
        save(tmp_path, at(2))
    assert steps(tmp_path) == [1]
    assert list(tmp_path.iterdir()) == [old]
    save(tmp_path, at(2))
    assert steps(tmp_path) == [2, 1]


def test_a_file_its_name_and_its_new_folders_are_flushed_in_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, Path]] = []
    fsync, rename = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append(("flush", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(("rename", target))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    folder = tmp_path / "plateau" / "fall"
    kept = save(folder, at(1))
    made, made_below, (first, beside), *rest = done
    assert (made, made_below) == (("flush", tmp_path), ("flush", tmp_path / "plateau"))
    assert first == "flush"
    assert beside.parent == folder
    assert beside.suffix == ".part"
    assert rest == [("rename", kept), ("flush", folder)]


def test_whether_a_file_is_whole_is_told_without_reading_it_as_a_checkpoint(tmp_path: Path) -> None:
    path = save(tmp_path, at(1))
    assert intact(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert not intact(path)
    assert step_of(path) == 1


def test_an_atomic_write_replaces_the_file_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, b"old")
    with no_file_grows_beyond(2), pytest.raises(OSError, match="File too large"):
        write_atomically(path, b"new!")
    assert path.read_bytes() == b"old"
    write_atomically(path, b"new!")
    assert path.read_bytes() == b"new!"
