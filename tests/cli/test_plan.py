"""The verb that says what a run will do and cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling_search.cli.plan import duration
from scaling_search.experiment.study_file import to_toml
from scaling_search.experiment.training_rates import SecondsRange
from tests import program
from tests.program import Call
from tests.tiny import TINY


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The program in a directory that holds a study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(to_toml(TINY), encoding="utf-8")
    return program.call


def test_plan_lists_phases_sizes_memory_and_disk(call: Call, tmp_path: Path) -> None:
    status, printed, said = call("plan", "study.toml", "--device", "cpu", "--workers", "0")
    assert status == 0
    for words in ("search, rung 2 of 2", "comparison", "in the ledger", "px", "checkpoints"):
        assert words in printed
    assert "The search has not said which constants are compared" in printed
    assert "Memory: the largest network takes" in printed
    assert "Disk: checkpoints take" in printed
    assert "measuring the steps of 3 trainings" in said
    assert [path.name for path in tmp_path.iterdir()] == ["study.toml"]


def test_as_json_it_has_seconds_and_bytes(call: Call) -> None:
    words = ("plan", "study.toml", "--device", "cpu", "--workers", "0", "--phi", "2", "--json")
    plan = json.loads(call(*words)[1])
    assert plan["trainings_left"] == 16
    assert plan["seconds"]["low"] < plan["seconds"]["middle"] < plan["seconds"]["high"]
    assert [size["phi"] for size in plan["sizes"]] == [0, 1, 2]
    assert plan["memory_bytes"] > 0
    assert plan["disk_bytes"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan",), "a run needs a study file or a --preset, got neither: try --preset demo"),
        (("plan", "none.toml"), "none.toml': No such file"),
        (("plan", "demo"), "--preset demo runs that"),
        (("plan", "study.toml", "--device", "cpu", "--gpus", "8"), "are for GPUs"),
        (("plan", "study.toml", "--workers", "-1"), "workers must be 0 or more, got -1"),
        (("plan", "study.toml", "--jobs-per-gpu", "0"), "must be auto, or 1 or more, got 0"),
        (("plan", "study.toml", "--phi", "99"), "largest φ must lie in 0 to 20, got 99.0"),
        (("plan", "--preset", "own-images"), "photos, a path where nothing is"),
    ],
)
def test_a_wrong_request_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    status, printed, complaint = call(*words)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ((8.0, 12.0, 17.4), "12 s (8 to 17)"),
        ((240.0, 330.0, 480.0), "5.5 min (4 to 8)"),
        ((3600.0, 7200.0, 36000.0), "2 h (1 to 10)"),
        ((3.6e6, 7.2e6, 1.2e7), "2,000 h (1,000 to 3,333)"),
        ((0.0, 0.0, 0.0), "0"),
        ((0.25, 0.5, 1.0), "0.5 s (0.25 to 1)"),
    ],
)
def test_a_time_is_said_in_one_unit(seconds: tuple[float, float, float], expected: str) -> None:
    assert duration(SecondsRange(*seconds)) == expected


def test_a_time_that_nobody_measured_is_none() -> None:
    assert duration(None) == "not measured"
