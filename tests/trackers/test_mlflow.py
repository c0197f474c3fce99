"""What MLflow keeps in a store of files, read back by its own client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mlflow", reason="mlflow is not installed")

from mlflow import MlflowClient

from scaling_search.trackers.mlflow import Mlflow
from tests.trackers.events import DIVERGED, DONE, FIRST, RECORDS, SECOND


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)


def runs() -> dict[str, Any]:
    client = MlflowClient()
    experiment = client.get_experiment_by_name("a study")
    runs = client.search_runs([experiment.experiment_id])
    return {each.data.tags["scaling_search.job"]: each for each in runs}


def points(run: Any, name: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in MlflowClient().get_metric_history(run.info.run_id, name)]


def test_two_trainings_at_once_are_two_runs_with_a_point_an_epoch() -> None:
    tracker = Mlflow("a study")
    for job in (FIRST, SECOND):
        tracker.begin(job, "search")
    for record in RECORDS:
        for job in (FIRST, SECOND):
            tracker.epoch(job, record)
    tracker.end(FIRST, DIVERGED)
    tracker.end(SECOND, DONE)
    failed, done = runs()[FIRST.hash], runs()[SECOND.hash]
    assert points(done, "validation/top1") == [(1, 0.25), (2, 0.5)]
    assert points(done, "final/test_top1") == [(2, 0.75)]
    assert done.data.params["recipe/batch_size"] == "30"
    assert done.info.run_name == "micro, 8 px, 2 epochs, seed 1"
    assert (failed.info.status, done.info.status) == ("FAILED", "FINISHED")
    assert failed.data.tags["outcome"] == "diverged"


def test_a_training_taken_up_again_goes_on_in_its_own_run() -> None:
    for record in RECORDS:
        tracker = Mlflow("a study")
        tracker.begin(FIRST, "search")
        tracker.epoch(FIRST, record)
        tracker.close()
    (run,) = runs().values()
    assert points(run, "train/loss") == [(1, 2.5), (2, 1.5)]
    assert run.info.status == "KILLED"


def test_the_experiment_is_named_by_mlflows_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    assert Mlflow("a study").where.startswith("experiment mine in file:")
    assert MlflowClient().get_experiment_by_name("a study") is None
    assert MlflowClient().get_experiment_by_name("mine") is not None
