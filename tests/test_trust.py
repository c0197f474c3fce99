"""What a run says of its own constants: the shift of the winner, and the check at a larger φ."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scaling_search.errors import UserError
from scaling_search.jobs.ledger import Ledger
from scaling_search.outcome import redraw
from scaling_search.pipeline import run
from scaling_search.search.halving import Plan, Rung
from scaling_search.setting import Setting
from scaling_search.study import Comparison
from scaling_search.trust import trust_of
from tests.test_proxy import FULL, INFO, run_directory
from tests.tiny import TINY

CHECKING = replace(
    TINY,
    search=Plan("grid", rungs=(Rung(1, keep=1.0), Rung(2, seeds=1))),
    compare=replace(TINY.compare, check_phi=1.5, rivals=()),
)


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
    assert trust_of(Setting(FULL, INFO), None, None, lambda _: None).sentences == ()


def test_a_check_trains_every_tie_at_the_larger_phi_and_the_report_shows_it(tmp_path: Path) -> None:
    outcome = run(CHECKING, tmp_path, device="cpu", workers=0, search_only=True)
    constants = outcome.constants
    assert constants is not None
    assert len(constants.ties) > 1  # with one seed each, nothing can be told apart
    check = pd.read_csv(tmp_path / "tables" / "check.csv")
    assert set(check["network"]) <= set(constants.ties)
    assert constants.ties[0] in set(check["network"])
    assert set(check["phi"]) == {1.5}
    assert any(sentence.startswith("Checked at φ = 1.5") for sentence in outcome.cautions)
    assert "The constants at a larger φ" in outcome.report.html.read_text()
    assert "The constants at a larger φ" in outcome.report.readme.read_text()
    before = (tmp_path / "ledger.jsonl").read_bytes()
    jobs = [json.loads(line)["record"]["job"] for line in before.splitlines()]
    assert not any(job["reads_test"] for job in jobs)
    again = run(CHECKING, tmp_path, device="cpu", workers=0, search_only=True)
    assert again.cautions == outcome.cautions
    assert (tmp_path / "ledger.jsonl").read_bytes() == before


def test_without_check_phi_nothing_more_is_trained(tmp_path: Path) -> None:
    out = run_directory(tmp_path / "tiny")
    setting = Setting(FULL, INFO)
    with Ledger(out / "ledger.jsonl") as ledger:
        constants = setting.constants(setting.step(ledger.get), ledger.get)
    assert setting.check_jobs(constants) == []


@pytest.mark.parametrize("phi", [1.0, 0.0, float("inf")])
def test_a_check_at_phi_1_or_below_is_refused(phi: float) -> None:
    with pytest.raises(UserError, match="check_phi must be greater than 1 and finite, got"):
        Comparison(check_phi=phi)
