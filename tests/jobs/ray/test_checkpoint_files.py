"""Checkpoints on their way between machines: whole, newest first, and only where they belong."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scaling_search.jobs.ray.checkpoint_files import (
    CheckpointFile,
    files_to_resume,
    new_files,
    write_file,
)
from scaling_search.training.checkpoint import Checkpoint, save, valid_checkpoints
from scaling_search.training.checkpoint_saver import CheckpointPolicy


def policy(folder: Path) -> CheckpointPolicy:
    return CheckpointPolicy(folder / "plateau", folder / "plateau" / "fall")


def saved(folder: Path, step: int) -> Path:
    return save(folder, Checkpoint(step, {"weight": torch.full((2,), float(step))}, {}))


def test_a_training_goes_on_from_the_newest_of_its_fall_or_else_of_its_plateau(
    tmp_path: Path,
) -> None:
    here = policy(tmp_path)
    assert files_to_resume(here) == []
    plateau = saved(here.plateau, 3)
    assert files_to_resume(here) == [CheckpointFile("plateau", plateau.name, plateau.read_bytes())]
    fall = saved(here.fall, 5)
    assert files_to_resume(here) == [CheckpointFile("fall", fall.name, fall.read_bytes())]


def test_each_checkpoint_is_sent_once(tmp_path: Path) -> None:
    here, seen = policy(tmp_path), set[str]()
    first = saved(here.plateau, 1)
    assert [file.name for file in new_files(here, seen)] == [first.name]
    second, third = saved(here.plateau, 2), saved(here.fall, 3)
    assert [file.name for file in new_files(here, seen)] == [second.name, third.name]
    assert list(new_files(here, seen)) == []


def test_what_arrives_is_what_was_sent_and_the_two_newest_are_kept(tmp_path: Path) -> None:
    here, there = policy(tmp_path / "here"), policy(tmp_path / "there")
    for step in (1, 2, 3):
        saved(here.plateau, step)
        for file in files_to_resume(here):
            write_file(file, there)
    assert [checkpoint.step for checkpoint in valid_checkpoints(there.plateau, at_most=9)] == [3, 2]
    newest = next(valid_checkpoints(there.plateau, at_most=9))
    assert newest.tensors["weight"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    "name", ["../000000001-ab.safetensors", "000000001-../../x.safetensors", "weights.safetensors"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="named by its step and its digest"):
        write_file(CheckpointFile("fall", name, b"content"), policy(tmp_path / "run"))
    assert not list(tmp_path.rglob("*.safetensors"))
