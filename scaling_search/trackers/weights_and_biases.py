"""Weights & Biases: a run of theirs for each training, grouped by study."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaling_search.core.errors import require
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.trackers.tracker import facts, of_epoch, of_result, training_title
from scaling_search.training.history import EpochRecord

STOPPED_EXIT_CODE = 255  # an exit code that is none of ours: the training has not ended


@dataclass
class WeightsAndBiases:
    """A `Tracker` that is set by WANDB_MODE, WANDB_PROJECT, WANDB_ENTITY, WANDB_API_KEY and so on.

    Without WANDB_PROJECT the project is the study's name; without WANDB_DIR its files lie in `out`.
    Raises UserError where it would have to ask for a key.
    """

    study: str
    out: Path
    _open: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Look for a key, if one is needed."""
        import wandb

        self._wandb = wandb
        self._project = os.environ.get("WANDB_PROJECT", self.study)
        self._dir = os.environ.get("WANDB_DIR", str(self.out))
        mode = wandb.setup().settings.mode
        online = mode in ("online", "shared")
        self._mode = "" if online else f", {mode}, in {self._dir}/wandb"
        rule, hint = "wandb needs a login", "run `wandb login`, or set WANDB_MODE=offline"
        require(not online or wandb.login(prompt=False, verify=False), rule, None, hint)

    @property
    def where(self) -> str:
        """The project, and the folder where nothing is sent."""
        return f"project {self._project}{self._mode}"

    def begin(self, job: TrainJob, phase: str) -> None:
        """Begin its run, or go on with it."""
        run = self._wandb.init(
            project=self._project,
            dir=self._dir,
            group=self.study,
            job_type=phase,
            name=training_title(job),
            id=job.hash,
            config=facts(job, phase),
            resume="allow",
            reinit="create_new",  # several trainings are under way at once
            # Twenty lines a training, and ours among what it takes from standard output.
            settings=self._wandb.Settings(console="off", silent=True),
        )
        run.define_metric("epoch", hidden=True)
        run.define_metric("*", step_metric="epoch")
        self._open[job.hash] = run

    def epoch(self, job: TrainJob, record: EpochRecord) -> None:
        """A point of each curve."""
        self._open[job.hash].log({"epoch": record.epoch, **of_epoch(record)})

    def end(self, job: TrainJob, result: Result) -> None:
        """End its run, as failed unless it came to its end."""
        run = self._open.pop(job.hash)
        run.summary.update({"outcome": result.kind, **of_result(result)})
        run.finish(exit_code=0 if isinstance(result, Finished) else 1)

    def close(self) -> None:
        """Mark what has not ended as stopped."""
        while self._open:
            self._open.popitem()[1].finish(exit_code=STOPPED_EXIT_CODE)
