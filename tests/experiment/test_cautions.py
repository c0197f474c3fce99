"""What a run says of its own constants: the shift of the winner."""

from __future__ import annotations

from pathlib import Path

from scaling_search.experiment.cautions import cautions
from scaling_search.experiment.outcome import redraw
from tests.experiment.test_fidelity import run_directory


def test_a_report_warns_when_the_winner_shifts_with_the_length(tmp_path: Path) -> None:
    out = run_directory(tmp_path / "tiny")
    (out / "environment.json").write_text("{}")
    outcome = redraw(out)
    (warning,) = outcome.cautions
    assert warning.startswith("The winner shifts with training: of the ")
    assert "best after 1 epoch and" in warning
    assert warning in outcome.report.readme.read_text()
    assert "The winner shifts with training" in outcome.report.html.read_text()


def test_a_winner_that_stays_needs_no_warning(tmp_path: Path) -> None:
    out = run_directory(tmp_path / "tiny", top1=lambda job: job.architecture.resolution_px / 100)
    (out / "environment.json").write_text("{}")
    assert redraw(out).cautions == ()


def test_without_a_search_nothing_is_said() -> None:
    assert cautions(None) == ()
