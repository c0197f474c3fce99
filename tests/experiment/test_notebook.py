"""A run in a notebook: its lines, its report in the cell, its errors, functions of its cells.

The kernel is imitated by an object that IPython would give; `nbclient` is no dependency.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.experiment.notebook import CellLines, in_notebook
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.experiment.study import with_function
from scaling_search.jobs.executor import Ended
from scaling_search.jobs.result import TimedOut
from tests.jobs.small import JOB
from tests.tiny import TINY

GIVEN = replace(
    TINY, compare=replace(TINY.compare, phis=(0.0,), rivals=(), constants=Coefficients(1, 1, 1))
)


def imitate(monkeypatch: pytest.MonkeyPatch, shell: object) -> None:
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell, version_info=(9, 0))
    )


def test_a_kernel_is_told_from_a_terminal_and_from_a_script(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for shell, found in (
        (None, False),
        (SimpleNamespace(), False),
        (SimpleNamespace(kernel=1), True),
    ):
        imitate(monkeypatch, shell)
        assert in_notebook() == found
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()


def test_a_cell_shows_a_line_a_training_and_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    imitate(monkeypatch, SimpleNamespace(kernel=object()))
    outcome = run(GIVEN, tmp_path / "run", device="cpu", workers=0)
    lines = capsys.readouterr().out.splitlines()
    assert "comparison: 2 trainings left in all" in lines
    ended = [line for line in lines if "of the validation images right" in line]
    assert [line.rpartition("; ")[2] for line in ended] == ["1 left", "0 left"]
    shown = outcome._repr_html_()
    assert shown is not None
    assert shown.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert shown.count('"') == 10  # all of the page's own are escaped
    outcome.report.html.unlink()
    assert outcome._repr_html_() is None


def test_a_function_of_a_cell_is_refused_for_workers_in_one_line(tmp_path: Path) -> None:
    study = with_function(GIVEN, "__main__:make")
    with pytest.raises(
        UserError, match=r"in this process \(workers=0\), got 2: write it into a file"
    ):
        run(study, tmp_path / "run", device="cpu", workers=2)


def test_a_notebook_shows_the_line_of_a_request_that_cant_be_met() -> None:
    assert UserError("px must be 1")._render_traceback_() == ["UserError: px must be 1"]


def test_a_failure_is_a_line_with_its_reason_and_the_way_out() -> None:
    said: list[str] = []
    cell = CellLines(said.append)
    cell.phase("training", [JOB], RemainingWork())
    cell.event(Ended(JOB, TimedOut(2.5)))
    assert said == [
        "training: 1 training left in all",
        "micro, seed 0: timed-out: more than 2.5 s; give more time with --job-timeout; 0 left",
    ]


def test_lines_are_passed_to_whoever_says_them() -> None:
    said: list[str] = []
    CellLines(said.append).say("drawing the report")
    assert said == ["drawing the report"]
