"""`law` by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling_search.cli import law
from tests.law.test_laws import made
from tests.program import call

RUN = str(Path(__file__).parents[2] / "results" / "fashion-mnist")


def test_a_run_of_three_sizes_is_told_what_it_lacks() -> None:
    status, printed, said = call("law", RUN)
    assert (status, printed) == (2, "")
    assert said.startswith("a law needs networks of 4 sizes of a method, got 3: compare at more φ")


def test_a_law_is_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "read_comparison", lambda path: made())
    status, printed, said = call("law", "made", "--at", "30M", "--out", str(tmp_path))
    assert (status, said) == (0, "")
    assert "compound scaling: without the largest network the law predicts" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"law.csv", "law.md", "law.png", "law.svg"}
    _, printed, _ = call("law", "made", "--at", "30M", "--json")
    (row,) = json.loads(printed)
    assert (row["method"], row["at_macs"]) == ("compound", 30e6)


def test_a_size_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(law, "read_comparison", lambda path: made())
    status, _, said = call("law", "made", "--at", "big")
    assert (status, said) == (2, "at must look like 2G, 5M, 300k or 1000, got 'big'\n")
