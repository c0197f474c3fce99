"""What a run chose once: one file, that of runs which began with four, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.jobs.gpu_share import ShareMeasurement
from scaling_search.jobs.run_choices import (
    CHOICES_FILE,
    ReachedLimit,
    RunChoices,
    TriedPrecision,
    TriedShare,
)

COMMITTED = Path(__file__).parents[2] / "results" / "fine-tuning" / "frozen"
CHOICES = RunChoices(
    TriedPrecision("bfloat16", "a card", {"tf32": 1000.0, "bfloat16": 1500.0}),
    TriedShare("a card", 2, (ShareMeasurement(1, 200.0), ShareMeasurement(2, 390.0, 0.5))),
    RunChoices.read(COMMITTED).init,
    ReachedLimit(0.5),
)
BEFORE = {
    "precision.json": '{"precision": "bfloat16", "device": "a card", '
    '"images_per_second": {"tf32": 1000.0, "bfloat16": 1500.0}}',
    "jobs-per-gpu.json": '{"card": "a card", "jobs": 2, "tried": ['
    '{"jobs": 1, "images_per_second": 200.0, "memory_share": null}, '
    '{"jobs": 2, "images_per_second": 390.0, "memory_share": 0.5}]}',
    "init.json": (COMMITTED / "init.json").read_text(encoding="utf-8"),
    "time-limit.json": '{"max_hours": 0.5}',
}


def test_what_is_written_is_read_again_from_one_file(tmp_path: Path) -> None:
    CHOICES.write(tmp_path)
    assert RunChoices.read(tmp_path) == CHOICES
    assert [path.name for path in tmp_path.iterdir()] == [CHOICES_FILE]


def test_a_run_that_has_chosen_nothing_has_no_file(tmp_path: Path) -> None:
    assert RunChoices.read(tmp_path) == RunChoices()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_began_with_four_files_chose_the_same(tmp_path: Path) -> None:
    for name, text in BEFORE.items():
        (tmp_path / name).write_text(text)
    choices = RunChoices.read(tmp_path)
    assert choices == CHOICES
    assert choices.init is not None
    assert choices.init.name == "the Lite weights of efficientnet-lite0"
    replace(choices, time_limit=None).write(tmp_path)
    assert RunChoices.read(tmp_path) == replace(CHOICES, time_limit=None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"precision": {"precision": "float31", "device": "", "images_per_second": {}}}',
        b'{"jobs_per_gpu": {"card": "a card"}}',
        b'{"learning_rate": 0.1}',
        b'{"time_limit": {"max_hours"',
        b"[" * 100_000,
    ],
)
def test_a_torn_or_foreign_file_is_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHOICES_FILE).write_bytes(content)
    line = r"choices\.json must hold what a run chose .*, got other content in '.*': put it back"
    with pytest.raises(UserError, match=line):
        RunChoices.read(tmp_path)


def test_so_is_a_torn_file_of_the_four(tmp_path: Path) -> None:
    (tmp_path / "precision.json").write_text('{"precision')
    with pytest.raises(UserError, match=r"precision\.json must hold what a run chose"):
        RunChoices.read(tmp_path)
