"""The committed coverage of laws' intervals: its page is made of its numbers, and a few draws."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "law-coverage"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("law_coverage")


def test_the_page_is_made_of_the_numbers(coverage: ModuleType) -> None:
    page = coverage.page(pd.read_csv(FOLDER / "coverage.csv"))
    assert page == (FOLDER / "README.md").read_text(encoding="utf-8")


def test_our_intervals_hold_as_often_as_was_claimed() -> None:
    found = pd.read_csv(FOLDER / "coverage.csv")
    ours = found[found["intervals"] == "profile"]
    assert (ours["draws"] >= 1000).all()
    assert 0.94 < ours["held"].mean() < 0.96
    # Of each world the claim, 93 to 97 %, is within what the draws allow.
    assert (ours["held_low"] <= 0.97).all()
    assert (ours["held_high"] >= 0.93).all()
    peers = found[found["intervals"] == "nested bootstrap"]
    assert peers["held"].mean() > 0.98


def test_a_draw_is_the_same_each_time(coverage: ModuleType) -> None:
    first, again = (coverage.coverage("profile", coverage.profile, 3) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert len(first) == 3 * len(coverage.WORLDS)
