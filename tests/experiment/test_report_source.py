"""A report is drawn again once anything that it may show has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.report_source import report_source

COMMITTED = Path(__file__).parents[2] / "results" / "cifar10"
INPUTS = ("ledger.jsonl", "study.toml", "data.json", "environment.json")


@pytest.fixture
def run_directory(tmp_path: Path) -> Path:
    out = tmp_path / "cifar10"
    out.mkdir()
    for name in INPUTS:
        shutil.copy(COMMITTED / name, out)
    return out


def source(out: Path) -> str:
    return report_source(read_experiment(COMMITTED), out)


def appended(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def with_limit(out: Path) -> None:
    (out / "time-limit.json").write_text('{"hours": 1}')


def renamed(out: Path) -> None:
    (out / "ledger.jsonl").replace(out / "other.jsonl")


CHANGES: dict[str, Callable[[Path], None]] = {
    **{name: lambda out, name=name: appended(out / name) for name in INPUTS},  # type: ignore[misc]
    "a limit that left something out": with_limit,
    "the ledger's name": renamed,
}


@pytest.mark.parametrize("what", CHANGES)
def test_it_hangs_on(what: str, run_directory: Path) -> None:
    before = source(run_directory)
    CHANGES[what](run_directory)
    assert source(run_directory) != before


def test_it_hangs_on_the_directorys_name_which_the_report_shows(run_directory: Path) -> None:
    assert source(run_directory) != source(run_directory.rename(run_directory.with_name("moved")))


def test_it_hangs_on_nothing_that_the_report_writes(run_directory: Path) -> None:
    before = source(run_directory)
    for name in ("report.html", "README.md"):
        (run_directory / name).write_text("drawn")
    assert source(run_directory) == before
