"""The verbs about studies that are ready."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from scaling_search.experiment.preset_files import PRESETS
from scaling_search.experiment.presets import preset
from scaling_search.experiment.study_file import read_study
from tests import program
from tests.program import Call


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """The program in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return program.call


def test_presets_lists_each_with_its_images_its_base_and_its_cost(call: Call) -> None:
    status, printed, _ = call("presets", "--json")
    rows = {row["name"]: row for row in json.loads(printed)}
    assert status == 0
    assert tuple(rows) == PRESETS
    assert rows["cifar10-b0"]["base"] == "efficientnet-b0-small, 32 px"
    assert rows["imagenet-b0-paper"]["phi"] == "0 to 7"
    assert rows["demo"]["data set"] == "typefaces"
    assert rows["demo"]["hours"] == "0.1 on 2 CPU cores"


@pytest.mark.parametrize("name", PRESETS)
def test_init_prints_the_file(call: Call, name: str) -> None:
    status, printed, said = call("init", name)
    assert (status, said) == (0, "")
    assert tomllib.loads(printed)["name"] == name


def test_what_init_prints_of_the_demo_is_the_study_that_the_preset_runs(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "study.toml").write_text(call("init", "demo")[1], encoding="utf-8")
    assert read_study(tmp_path / "study.toml") == preset("demo")


def test_changed_by_hand_it_runs_to_its_report(call: Call, tmp_path: Path) -> None:
    text = call("init", "demo")[1]
    for line, smaller in {
        "train_images = 2500": "train_images = 200",
        "test_images = 2000": "test_images = 100",
        "until = { trainings = 8.0 }": "until = { trainings = 1.0 }",
        "rungs = [{ epochs = 8 }]": "rungs = [{ epochs = 1 }]\n\n[gate]\nseeds = 0",
        "epochs = 8\nseeds = 3": "epochs = 1\nseeds = 1\nphis = [0.0, 1.0]\nrivals = []",
        "seconds = 12.0": "seconds = 0.0",
    }.items():
        assert text.count(line) == 1
        text = text.replace(line, smaller)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    status, printed, _ = call("run", "study.toml", "--workers", "0", "--device", "cpu", "--json")
    assert status == 0
    assert len(json.loads(printed)["comparison"]) == 2
    assert (tmp_path / "runs/demo/report.html").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("init", "dmo"), "unknown preset 'dmo': did you mean demo? known are"),
        (("init", "nothing-alike"), f"known are {', '.join(PRESETS)}"),
        (("init",), "Missing argument 'PRESET'"),
        (("run", "demo"), "--preset demo runs that"),
        (("run", "--preset", "own-images"), "photos, a path where nothing is"),
        (("run", "--preset", "own-images", "--root", "no"), "no, a path where nothing is"),
    ],
)
def test_a_wrong_name_or_root_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    status, printed, complaint = call(*words)
    assert (status, printed) == (2, "")
    assert said in complaint
    assert len(complaint.strip().splitlines()) == 1
