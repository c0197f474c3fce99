"""Fault 17: a study file is edited after its run began."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.experiment import pipeline
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs import executor
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished
from tests.faults.study import STUDY
from tests.program import call
from tests.trainings import finished


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainJob]:
    """The jobs that were executed; each took no time and came to the same."""
    jobs: list[TrainJob] = []

    def execute(job: TrainJob, *_: object, **__: object) -> Finished:
        jobs.append(job)
        return finished(*[0.5] * job.epochs)

    monkeypatch.setattr(executor, "execute", execute)
    monkeypatch.setattr(pipeline, "report_of", lambda *_, **__: None)
    return jobs


def searched(study: Study, folder: Path) -> bytes:
    """The ledger after a search of the study, edited into the one file of the run."""
    path = folder / "mine.toml"
    path.write_text(to_toml(study))
    words = ("search", str(path), "--out", str(folder / "out"), "--workers", "0")
    with pytest.raises(AttributeError):  # there is no report to be shown
        call(*words, "--device", "cpu")
    return (folder / "out" / "ledger.jsonl").read_bytes()


def test_what_changed_is_trained_what_did_not_is_kept_and_an_edit_undone_costs_nothing(
    tmp_path: Path, trained: list[TrainJob]
) -> None:
    first = searched(STUDY, tmp_path)
    assert len(trained) == 3
    longer = replace(STUDY, search=replace(STUDY.search, trials=3))
    second = searched(longer, tmp_path)
    assert second.startswith(first)
    assert {job.epochs for job in trained[3:]} <= {1, 3}
    assert len(trained) in (4, 5)  # one candidate more, and perhaps it is the one that goes on
    before = len(trained)
    other = replace(STUDY, recipe=replace(STUDY.recipe, learning_rate=0.01))
    third = searched(other, tmp_path)
    assert third.startswith(second)
    assert len(trained) == before + 3
    assert {job.recipe.learning_rate for job in trained[before:]} == {0.01}
    assert searched(STUDY, tmp_path) == third
    assert len({job.hash for job in trained}) == len(trained)


def test_a_new_name_or_description_trains_nothing(tmp_path: Path, trained: list[TrainJob]) -> None:
    before = searched(STUDY, tmp_path)
    assert searched(replace(STUDY, name="other", description="Once more."), tmp_path) == before
