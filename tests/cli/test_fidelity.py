"""`fidelity` as its user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_main import Call, call
from tests.experiment.test_fidelity import run_directory

__all__ = ["call"]


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(run_directory(tmp_path / "tiny"))


def test_it_prints_a_table_and_a_verdict_in_words(call: Call, run: str) -> None:
    status, printed, _ = call("fidelity", run)
    assert status == 0
    assert "tiny, 1 epoch" in printed
    assert "tiny: training 1 epoch can't be said to order the networks as 3 epochs do" in (
        " ".join(printed.split())
    )


def test_json_has_the_numbers_and_no_nan(call: Call, run: str) -> None:
    status, printed, _ = call("fidelity", run, "--json")
    assert status == 0
    length, seed = json.loads(printed)
    assert (length["kind"], seed["kind"]) == ("length", "seed")
    assert length["low"] <= length["tau"] <= length["high"]
    assert length["distance"] is None
    assert length["verdict"].startswith("tiny: training 1 epoch")


def test_out_keeps_table_and_picture(call: Call, run: str, tmp_path: Path) -> None:
    call("fidelity", run, "--out", "kept")
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert names == {"fidelity.csv", "fidelity.md", "fidelity.png", "fidelity.svg"}


def test_a_folder_without_a_run_is_refused_in_one_line(call: Call, tmp_path: Path) -> None:
    status, printed, said = call("fidelity", "nothing")
    assert (status, printed) == (2, "")
    assert len(said.strip().splitlines()) == 1
