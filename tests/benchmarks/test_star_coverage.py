"""The committed coverage of stars' intervals: its page is made of its numbers, and a few draws."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "star-coverage"


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("star_coverage")


def test_the_page_is_made_of_the_numbers(coverage: ModuleType) -> None:
    page = coverage.page(pd.read_csv(FOLDER / "coverage.csv"))
    assert page == (FOLDER / "README.md").read_text(encoding="utf-8")


def test_intervals_hold_as_often_as_was_claimed() -> None:
    found = pd.read_csv(FOLDER / "coverage.csv")
    straight = found[found["world"] != "bent"]
    assert (found["draws"] >= 300).all()
    assert (straight["exponents_held"] >= 0.93).all()
    assert (straight["shares_held"] >= 0.93).all()
    assert (straight["bend_found"] <= 0.05).all()


def test_a_draw_is_the_same_each_time(
    coverage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "WORLDS", coverage.WORLDS[:1])
    first, again = (coverage.coverage(2) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert len(first) == 1
