"""Study → ledger → report, the whole way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from scaling_search.core.errors import require
from scaling_search.cost.torch_defaults import torch_defaults
from scaling_search.experiment.notebook import listener_here, one_line_interrupt
from scaling_search.experiment.opening import open_runner
from scaling_search.experiment.outcome import Outcome, kept_report, report_of
from scaling_search.experiment.phases import Run, advance_all
from scaling_search.experiment.placement import TrainingPlacement
from scaling_search.experiment.planned_sizes import check_planned_sizes
from scaling_search.experiment.redrawing import Redrawing
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.runner import ProgressListener, Runner
from scaling_search.experiment.study import Study, with_function
from scaling_search.experiment.time_limit import TimeLimit, forget_limit
from scaling_search.experiment.tracked import tracked
from scaling_search.jobs.environment import DEVICE
from scaling_search.jobs.local import LocalBackend
from scaling_search.jobs.ray.backend import RayBackend

NEWEST_TRAININGS = 200  # trainings of an earlier call say how long those to come take


@one_line_interrupt()
@torch_defaults()
def run(
    study: Study,
    out: Path | str,
    *,
    function: Callable[..., Any] | str | None = None,
    device: str = "auto",
    workers: int | None = None,
    limit_seconds: float | None = None,
    ray: str | None = None,
    gpus_per_job: float | None = None,
    gpus: int | str | None = None,
    jobs_per_gpu: int | Literal["auto"] = "auto",
    search_only: bool = False,
    retry_failed: bool = False,
    track: Sequence[str] = (),
    max_hours: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    listener: ProgressListener | None = None,
) -> Outcome:
    """Search, conclude, compare and report; whatever the ledger in `out` holds is not run again.

    `function` is a base of one's own, (Multipliers) -> nn.Module, or its name "module:name"; one of
    a notebook's cell trains in this process.
    `workers` processes train at a time (None: one a core, on GPUs what a trial finds; 0: in this
    process). They are spread over all visible GPUs, over the first `gpus` of them, or over a list
    such as "0,2,5"; `jobs_per_gpu` train on each. A training longer
    than `limit_seconds` is recorded as timed out. `ray` trains on a Ray cluster instead, `workers`
    trainings at a time at most, each with `gpus_per_job` of a GPU: see `RayBackend`. A training
    that failed is tried again once what it failed of has changed (limit, device, memory, code),
    and all of them with `retry_failed`. The trackers in `track` ("tensorboard", "wandb",
    "mlflow") are told of each training too. With `max_hours`, from now on by the clock, nothing
    is begun that is not expected to end within them: see `time_limit`. Without a `listener` a
    notebook's cell shows a line a training. Raises UserError for a request that can't be met,
    before anything is trained.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import Coefficients, DataRequest, Study, run
        >>> from scaling_search.experiment.comparison import Comparison, Timing
        >>> paper = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)  # given, so nothing is searched
        >>> compare = Comparison(phis=(0, 1), rivals=("width",), epochs=1, seeds=1, constants=paper)
        >>> data = DataRequest(train_images=100, test_images=20)
        >>> study = Study("tiny", base="nano", data=data, compare=compare, timing=Timing(seconds=0))
        >>> outcome = run(study, Path("runs/tiny"), workers=0)
        >>> outcome.runs["method"].tolist(), outcome.report.html.name
        (['base', 'compound', 'width'], 'report.html')
    """
    out = Path(out)
    if function is not None:
        study = with_function(study, function)
    rule = "a job's share of a GPU is given on a Ray cluster"
    require(ray is not None or gpus_per_job is None, rule, gpus_per_job, "add --ray ADDRESS")
    local = LocalBackend(None if gpus is None else str(gpus), jobs_per_gpu)
    cluster = None if ray is None else RayBackend(ray, gpus_per_job)
    placement = TrainingPlacement(device, workers, limit_seconds, local, cluster)
    limit = None if max_hours is None else TimeLimit(max_hours, clock)
    with (
        tracked(listener or listener_here(), track, study.name, out) as listeners,
        open_runner(study, out, placement, listeners, retry_failed=retry_failed) as runner,
    ):
        listeners.say(f"the report is drawn at {out / 'report.html'}, and again as results come")
        forget_limit(out)
        if limit is not None:
            runner = _limited(runner, limit)
        return _run(_redrawing(runner, out), out, search_only)


def _redrawing(runner: Runner, out: Path) -> Runner:
    """The runner whose report is drawn again as results come."""

    def draw() -> None:
        experiment = runner.experiment.knowing(runner.ledger.timings())
        report_of(experiment, runner.ledger, out)

    return replace(runner, listener=Redrawing(runner.listener, draw))


def _run(runner: Runner, out: Path, search_only: bool) -> Outcome:
    if not search_only:
        check_planned_sizes(RunState(runner.experiment, runner.ledger.get))
    ended = advance_all(Run(runner, out), search_only=search_only)
    runner = ended.runner
    kept = kept_report(runner.experiment, out)
    runner.listener.say("the report is there already" if kept else "drawing the report")
    return report_of(runner.experiment, runner.ledger, out, concluded=ended.constants, kept=kept)


def _limited(runner: Runner, limit: TimeLimit) -> Runner:
    """The runner under a limit that knows how long this device's newest trainings took."""
    for job, result, where in runner.ledger.newest_trainings(NEWEST_TRAININGS):
        if where.get(DEVICE) == runner.environment.get(DEVICE):
            limit.learn(job, result)
    return replace(runner, limit=limit)
