"""What the benchmark of scale measures is the real thing, in miniature."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

import pytest

from scaling_search.jobs.ledger import Ledger

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module("pretended")


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch, pretended: ModuleType) -> ModuleType:
    return importlib.import_module("scale")


def test_the_pretended_ledger_opens_as_a_ledger_with_all_its_lines(
    pretended: ModuleType, tmp_path: Path
) -> None:
    with Ledger(pretended.write_ledger(tmp_path / "ledger.jsonl", 20)) as ledger:
        assert len(ledger) == 20
        assert not ledger.notes


def test_every_flush_is_made_and_counted(pretended: ModuleType, tmp_path: Path) -> None:
    with pretended.counted_flushes() as flushes, (tmp_path / "file").open("wb") as file:
        for _ in range(3):
            os.fsync(file.fileno())
    assert flushes.times == 3


def test_a_pretended_search_runs_all_of_its_trainings_and_flushes_each(scale: ModuleType) -> None:
    # Five candidates on the first rung; half of them, rounded up, go on with three seeds each.
    spent = scale.driven("random", 5, False, 60.0)
    assert (spent.number, spent.cut) == (5 + 3 * 3, False)
    assert spent.fsync_seconds > 0


def test_a_search_over_its_limit_says_that_it_was_cut_off(scale: ModuleType) -> None:
    assert scale.driven("random", 5, False, 0.0).cut


def test_one_by_one_the_points_give_the_candidates_of_the_enumeration(scale: ModuleType) -> None:
    scale.same_candidates()
