"""Fault 8: the disk is full when a checkpoint, a line of the ledger or the report is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.study import results, study_file
from tests.faults.watching import search_in
from tests.full_disk import no_file_grows_beyond
from tests.program import call


def test_without_room_for_a_result_it_ends_in_one_line_and_goes_on_once_there_is(
    tmp_path: Path, uninterrupted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out, first = tmp_path / "out", (uninterrupted / "ledger.jsonl").read_bytes().splitlines(True)[0]
    words = ("search", str(study_file(tmp_path)), "--out", str(out), "--workers", "0")
    with no_file_grows_beyond(len(first) + 500):  # and for no checkpoint at all
        status, _, said = call(*words, "--device", "cpu")
    assert status == 1
    last = said.splitlines()[-1]
    assert last.startswith("File too large")
    assert last.endswith(
        "every result so far is kept: make room, and the same command goes on from here"
    )
    assert "Traceback" not in said
    assert "no checkpoint of step" in caplog.text
    assert len(results(out)) == 1
    assert list((out / "checkpoints").rglob("*.*")) == []
    assert len(search_in(out).steps) == 2
    assert results(out) == results(uninterrupted)


def test_without_room_for_the_report_the_old_one_stays_and_it_is_drawn_once_there_is(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = tmp_path / "out"
    study = str(study_file(tmp_path))
    out.mkdir()
    (out / "ledger.jsonl").write_bytes((uninterrupted / "ledger.jsonl").read_bytes())
    words = ("search", study, "--out", str(out), "--workers", "0", "--device", "cpu")
    assert call(*words)[0] == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with no_file_grows_beyond(len(before[out / "report.html"]) // 2):
        status, _, said = call("report", str(out))
    assert status == 1
    assert said.startswith("File too large")
    assert len(said.splitlines()) == 1
    after = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert after == before
    assert call("report", str(out))[0] == 0
