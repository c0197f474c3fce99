"""The option that ends a run in time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.experiment.study_file import to_toml
from tests import program
from tests.program import Call
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

GIVEN = replace(TINY.compare, constants=Coefficients(1.2, 1.1, 1.15), rivals=())


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The program in a directory that holds a study of four trainings."""
    monkeypatch.chdir(tmp_path)
    study = replace(TINY, compare=GIVEN)
    (tmp_path / "study.toml").write_text(to_toml(study), encoding="utf-8")

    def here(verb: str, *words: str) -> tuple[int, str, str]:
        return program.call(verb, "study.toml", "--device", "cpu", "--workers", "0", *words)

    return here


def test_a_run_that_has_time_leaves_nothing_out(call: Call) -> None:
    status, printed, _ = call("run", "--max-hours", "10", "--json")
    assert status == 0
    assert json.loads(printed)["left_out"] == ""


def test_what_is_left_out_is_said_once(call: Call, tmp_path: Path) -> None:
    status, printed, said = call("run", "--max-hours", "1e-9")
    assert status == 0
    sentence = "this run left out 4 of the comparison's 4 trainings; the same command goes on."
    assert (printed + said).count(sentence) == 1
    assert sentence in (tmp_path / "runs/tiny/README.md").read_text().replace("&#39;", "'")


@pytest.mark.parametrize("verb", ["run", "search"])
def test_hours_of_nothing_are_refused_before_anything_is_made(
    call: Call, tmp_path: Path, verb: str
) -> None:
    status, printed, complaint = call(verb, "--max-hours", "0")
    assert (status, printed) == (2, "")
    assert complaint.strip() == "--max-hours must be above 0 and finite, got 0.0"
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]
