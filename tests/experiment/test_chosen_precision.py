"""A study's precision "auto" is settled before anything of it is a job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe
from scaling_search.experiment.capacity import PlannedPlacement
from scaling_search.experiment.chosen_precision import with_likely_precision, with_precision
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.planning import plan_run
from scaling_search.jobs.cards import GpuCard
from scaling_search.jobs.job import job_from_json
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.run_choices import RunChoices, TriedPrecision
from tests.jobs.pretended import pretend
from tests.tiny import TINY

AUTO = replace(TINY, recipe=replace(TINY.recipe, precision="auto"))


def compared(out: Path) -> list[str]:
    """The hashes of a short run's trainings."""
    with Ledger(out / "ledger.jsonl") as ledger:
        return sorted(job_from_json(record["job"]).hash for record in ledger.records())


def test_on_a_cpu_a_run_is_that_of_float32_and_is_taken_up_as_such(tmp_path: Path) -> None:
    for name, study in (("auto", AUTO), ("float32", TINY)):
        run(study, tmp_path / name, device="cpu", workers=0, search_only=True)
    assert compared(tmp_path / "auto") == compared(tmp_path / "float32")
    assert read_experiment(tmp_path / "auto").study.recipe.precision == "float32"
    before = compared(tmp_path / "auto")
    run(AUTO, tmp_path / "auto", device="cpu", workers=0, search_only=True)
    assert compared(tmp_path / "auto") == before
    planned = plan_run(AUTO, tmp_path / "auto", PlannedPlacement("cpu", workers=0), seconds=0.1)
    assert all(each.done == each.trainings for each in planned.phases[:2])


def test_a_plan_tries_no_precision_and_says_what_stands_in(tmp_path: Path) -> None:
    said: list[str] = []
    experiment = Experiment(AUTO, describe(AUTO.data))
    found = with_likely_precision(experiment, tmp_path, False, said.append)
    assert found.study.recipe.precision == "tf32"
    assert said == ['precision = "auto" is chosen when a run begins: planned in tf32']
    RunChoices(precision=TriedPrecision("bfloat16", "a card", {})).write(tmp_path)
    kept = with_likely_precision(experiment, tmp_path, False, said.append)
    assert kept.study.recipe.precision == "bfloat16"
    assert len(said) == 1


def test_the_trial_is_of_the_base_on_a_card_by_processes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path)
    monkeypatch.setattr("scaling_search.jobs.local.visible_cards", lambda *_: (GpuCard("0"),))
    monkeypatch.setattr("scaling_search.experiment.chosen_precision.machine_of", str)
    monkeypatch.setattr("scaling_search.jobs.share_trial.WINDOW_SECONDS", 0.05)
    said: list[str] = []
    experiment = Experiment(AUTO, describe(AUTO.data))
    found = with_precision(experiment, tmp_path, "cuda", LocalBackend(), said.append)
    # Made-up cards are as fast in one as in the other.
    assert found.study.recipe.precision == "tf32"
    assert found.network_job(found.base, 1, 0).recipe.precision == "tf32"
    assert said[-1].startswith('precision = "auto" is tf32; the trial: tf32: ')


def test_elsewhere_than_on_this_machine_a_precision_is_named(tmp_path: Path) -> None:
    experiment = Experiment(AUTO, describe(AUTO.data))
    with pytest.raises(UserError, match=r"not with --ray or torchrun, got 'auto': name \"tf32\""):
        with_precision(experiment, tmp_path, "cuda", None, print)


def test_a_training_has_no_precision_but_a_plain_one() -> None:
    experiment = Experiment(AUTO, describe(AUTO.data))
    with pytest.raises(UserError, match="a training's precision is float32, tf32"):
        experiment.network_job(experiment.base, 1, 0)
