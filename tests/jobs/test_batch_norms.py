"""Trainings whose every step would fail are refused before the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.jobs.batch_norms import check_steps
from scaling_search.jobs.execute import execute
from scaling_search.jobs.result import Finished
from scaling_search.training.recipe import Recipe
from tests.jobs.small import NETWORK, job, place
from tests.program import call
from tests.tiny import TINY

RULE = "a batch norm needs more than 1 value for each channel"


def test_one_image_a_step_is_refused_at_a_map_of_one_pixel_alone() -> None:
    one_image = Recipe(batch_size=1)
    check_steps([job(), job(architecture=replace(NETWORK, resolution_px=9), recipe=one_image)])
    with pytest.raises(UserError, match=f"{RULE}.*raise batch_size = 1, or take larger images"):
        check_steps([job(), job(recipe=one_image)])


def test_parts_of_one_image_are_refused_too() -> None:
    with pytest.raises(UserError, match="raise batch_size = 4, or lower accumulate = 4, or take"):
        check_steps([job(recipe=Recipe(batch_size=4, accumulate=4))])
    check_steps([job(recipe=Recipe(batch_size=4, accumulate=2))])


def test_the_smaller_images_of_the_first_epochs_count() -> None:
    growing = Recipe(batch_size=1, progressive_from=0.5)
    wide = replace(NETWORK, resolution_px=16)
    check_steps([job(architecture=wide, recipe=growing, epochs=1)])
    with pytest.raises(UserError, match="1 image at a time of 8 px"):
        check_steps([job(architecture=wide, recipe=growing, epochs=4)])


def test_a_last_batch_of_one_image_is_left_out(tmp_path: Path) -> None:
    recipe = Recipe(batch_size=179)  # of 180 training images
    check_steps([job(recipe=recipe)])
    assert isinstance(execute(job(recipe=recipe), place(tmp_path)), Finished)


def test_a_study_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    study = replace(TINY, base_px=8, recipe=replace(TINY.recipe, batch_size=1))
    with pytest.raises(UserError, match=RULE):
        run(study, tmp_path, device="cpu", workers=0)
    assert (tmp_path / "ledger.jsonl").read_bytes() == b""
    assert not (tmp_path / "checkpoints").exists()


def test_the_program_refuses_training_and_timing_in_one_line(tmp_path: Path) -> None:
    words = ("--px", "4", "--batch-size", "1", "--device", "cpu", "--workers", "0")
    for verb in (
        ("train", "nano", *words, "--out", str(tmp_path)),
        ("latency", "nano", "--px", "4", "--regime", "training", "--device", "cpu"),
    ):
        status, printed, said = call(*verb)
        assert (status, printed) == (2, "")
        assert RULE in said.strip().splitlines()[-1]
