"""MLflow: a run of its for each training, in the experiment of the study."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.trackers.tracker import facts, of_epoch, of_result, training_title
from scaling_search.training.history import EpochRecord

JOB_TAG = "scaling_search.job"
# MLflow's own 7 tries of two minutes each would be a quarter of an hour.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}


@dataclass
class Mlflow:
    """A `Tracker` that is set by MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and so on.

    Without a name the experiment is the study's. Raises MLflow's own errors.
    """

    study: str
    _open: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the experiment, or make it."""
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        self._client: Any = MlflowClient()
        self._name = os.environ.get("MLFLOW_EXPERIMENT_NAME", self.study)
        existing = self._client.get_experiment_by_name(self._name)
        created = None if existing else self._client.create_experiment(self._name)
        self._experiment = existing.experiment_id if existing else created

    @property
    def where(self) -> str:
        """The store and the experiment."""
        return f"experiment {self._name} in {self._client.tracking_uri}"

    def begin(self, job: TrainJob, phase: str) -> None:
        """Begin its run, or go on with it."""
        query = f"tags.`{JOB_TAG}` = '{job.hash}'"
        runs = self._client.search_runs([self._experiment], query, max_results=1)
        self._open[job.hash] = runs[0].info.run_id if runs else self._new_run(job, phase)
        self._client.update_run(self._open[job.hash], status="RUNNING")

    def epoch(self, job: TrainJob, record: EpochRecord) -> None:
        """A point of each curve."""
        for name, value in of_epoch(record).items():
            self._client.log_metric(self._open[job.hash], name, value, step=record.epoch)

    def end(self, job: TrainJob, result: Result) -> None:
        """End its run, as failed unless it came to its end."""
        run = self._open.pop(job.hash)
        for name, value in of_result(result).items():
            self._client.log_metric(run, name, value, step=job.epochs)
        self._client.set_tag(run, "outcome", result.kind)
        status = "FINISHED" if isinstance(result, Finished) else "FAILED"
        self._client.set_terminated(run, status)

    def close(self) -> None:
        """Mark what has not ended as stopped."""
        while self._open:
            self._client.set_terminated(self._open.popitem()[1], "KILLED")

    def _new_run(self, job: TrainJob, phase: str) -> str:
        run = self._client.create_run(
            self._experiment, run_name=training_title(job), tags={JOB_TAG: job.hash}
        )
        for name, value in facts(job, phase).items():
            self._client.log_param(run.info.run_id, name, value)
        return str(run.info.run_id)
