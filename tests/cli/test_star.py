"""`star` by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.experiment.study_file import to_toml
from tests import program
from tests.program import Call
from tests.tiny import TINY

WORDS = ("--axes", "width,resolution", "--sizes", "4", "--seeds", "1")
HERE = ("--device", "cpu", "--workers", "0")


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The program in a directory that holds a study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text(to_toml(replace(TINY, base="nano")), encoding="utf-8")
    return program.call


def test_a_star_is_printed_and_kept(call: Call, tmp_path: Path) -> None:
    status, printed, _ = call("star", "study.toml", "--epochs", "1,2,3", *WORDS, *HERE)
    assert status == 0
    assert "EfficientNet's straight line in log space" in printed
    assert "the paper's are β = 1.10, γ = 1.15" in printed
    kept = {path.name for path in (tmp_path / "runs" / "tiny-star").iterdir()}
    assert {"ledger.jsonl", "star.csv", "star.md", "star.png", "star_points.csv"} <= kept
    status, printed, _ = call("star", "study.toml", "--epochs", "1,2,3", *WORDS, *HERE, "--json")
    assert [row["dimension"] for row in json.loads(printed)] == ["width", "resolution"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("star",), "a run needs a study file or a --preset, got neither"),
        (("star", "none.toml"), "none.toml': No such file"),
        (("star", "study.toml"), "a star needs 3 lengths of training, each named once, got (1, 2)"),
        (("star", "study.toml", "--epochs", "1,x"), "whole numbers of epochs, got '1,x'"),
        (("star", "study.toml", "--axes", "depth,hight"), "got 'hight'"),
        (("star", "study.toml", "--epochs", "1,2,3", "--score", "f1"), "loss, error, got 'f1'"),
        (("star", "study.toml", "--epochs", "1,2,3", *HERE), "or leave depth out of --axes"),
    ],
)
def test_a_wrong_request_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    status, printed, complaint = call(*words)
    assert (status, printed) == (2, "")
    assert said in complaint.splitlines()[-1]
    assert "Traceback" not in complaint
