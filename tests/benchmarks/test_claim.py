"""How the benchmarks' claims are worked out, and printed."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


@pytest.fixture
def claim() -> ModuleType:
    return importlib.import_module("claim")


def test_a_claim_is_reached_by_its_median_ratio(claim: ModuleType) -> None:
    made = claim.Claim.of_ratios("fast", "slow", [0.5, 2.0, 8.0], 2.0)
    assert (made.ratio, made.n, made.reached) == (2.0, 3, True)
    # log ratios -ln 2, ln 2, 3 ln 2: mean ln 2, sd 2 ln 2; t(2) = 4.3027, so 2 · 2^(±4.9683).
    assert made.low == pytest.approx(0.0639, abs=1e-3)
    assert made.high == pytest.approx(62.6, abs=0.2)


def test_of_pairs_the_ratio_is_that_of_the_medians(claim: ModuleType) -> None:
    # Medians 6 and 2; the ratios are 1, 3 and 12, whose logarithms have the mean ln 36 / 3.
    made = claim.Claim.of_medians("fast", "slow", [2.0, 6.0, 12.0], [2.0, 2.0, 1.0], 4.0)
    assert (made.ratio, made.n, made.reached) == (3.0, 3, False)
    assert (made.low * made.high) ** 0.5 == pytest.approx(36 ** (1 / 3), rel=1e-3)


def test_people_read_the_peer_and_the_goal_beside_the_ratio(claim: ModuleType) -> None:
    made = claim.Claim("it is fast", "a slow one", 3.0, 2.5, 3.5, 9, 4.0, False)
    assert made.lines.splitlines() == [
        "it is fast: 3 [2.5, 3.5], n = 9",
        "  against a slow one; goal 4: missed",
    ]


def test_for_machines_the_claims_are_printed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], claim: ModuleType
) -> None:
    search_cost = importlib.import_module("search_cost")
    rows = str(ROOT / "results" / "tabular" / "search_cost.csv")
    monkeypatch.setattr("sys.argv", ["search_cost.py", "--rows", rows, "--json"])
    search_cost.main()
    printed = [claim.Claim(**values) for values in json.loads(capsys.readouterr().out)]
    assert {each.peer for each in printed} == {"every network, 3 seeds"}


def test_the_committed_table_is_made_of_the_committed_claims() -> None:
    table = importlib.import_module("table")
    assert table.table() == (table.FOLDER / "README.md").read_text(encoding="utf-8")
