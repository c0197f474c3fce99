"""Study → ledger → report, the whole way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import small_map_warning
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.core.errors import require
from scaling_search.cost.custom_network import CustomNetwork
from scaling_search.cost.torch_defaults import torch_defaults
from scaling_search.data.load import describe
from scaling_search.experiment.beginning import beginning, found_weights
from scaling_search.experiment.chosen_precision import with_precision
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.notebook import listener_here, one_line_interrupt
from scaling_search.experiment.outcome import Outcome, report_of
from scaling_search.experiment.phases import Run, advance_all
from scaling_search.experiment.planned_sizes import check_planned_sizes
from scaling_search.experiment.redrawing import Redrawing
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.runner import ProgressListener, Runner
from scaling_search.experiment.study import Study, with_absolute_paths, with_function
from scaling_search.experiment.study_file import to_toml
from scaling_search.experiment.time_limit import TimeLimit, forget_limit
from scaling_search.experiment.tracked import tracked
from scaling_search.jobs.backend import OpenBackend, OpenedBackend
from scaling_search.jobs.environment import DEVICE, chosen_device
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.local import GPUS, LocalBackend
from scaling_search.jobs.ray.backend import RayBackend
from scaling_search.jobs.result import Result
from scaling_search.jobs.retry import Circumstances, circumstances
from scaling_search.jobs.run_choices import RunChoices
from scaling_search.jobs.torchrun import peers
from scaling_search.jobs.torchrun_program import TorchrunBackend

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
        >>> from scaling_search.experiment.study import Comparison, Timing
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
    on_ray = None if ray is None else RayBackend(ray, gpus_per_job)
    limit = None if max_hours is None else TimeLimit(max_hours, clock)
    with (
        tracked(listener or listener_here(), track, study.name, out) as listeners,
        open_runner(
            study, out, device, workers, limit_seconds, listeners, on_ray, retry_failed, local
        ) as runner,
    ):
        listeners.say(f"the report is drawn at {out / 'report.html'}, and again as results come")
        forget_limit(out)
        if limit is not None:
            runner = _limited(runner, limit)
        return _run(_redrawing(runner, out), out, search_only)


@contextmanager
def open_runner(
    study: Study,
    out: Path,
    device: str,
    workers: int | None,
    limit_seconds: float | None,
    listener: ProgressListener,
    on_ray: RayBackend | None = None,
    retry_failed: bool = False,
    local: LocalBackend | None = None,
) -> Iterator[Runner]:
    """What trains in a run directory: its images are checked, and its ledger is held till the end.

    Raises UserError as `run` does.
    """
    device = device if on_ray else chosen_device(device)
    require(workers is None or workers >= 0, "workers must be 0 or more", workers)
    if study.is_function and study.base.startswith("__main__:"):
        workers = _in_this_process(study.base, workers, on_ray)
    local, ranks = replace(local or LocalBackend(), say=listener.say), peers()
    rule = "--gpus and --jobs-per-gpu are for workers on this machine"
    require(local.is_plain or not (on_ray or ranks), rule, "them with Ray or torchrun")
    where: OpenBackend = on_ray.open if on_ray else local.open
    if ranks is not None:
        require(on_ray is None, "torchrun trains by itself, without --ray", "both")
        together = TorchrunBackend(ranks, listener.event)
        together.check(study.recipe, device, workers, limit_seconds)
        where = together.open
    # The run directory may be moved, and `export` be asked from another working directory.
    study = with_absolute_paths(study)
    info = describe(study.data, report=listener.say)
    experiment = Experiment(study, info, initial=found_weights(study, info, listener.say))
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(out / "ledger.jsonl"))
        if study.recipe.precision == "auto":
            trial_here = None if on_ray or ranks else local
            experiment = with_precision(experiment, out, device, trial_here, listener.say)
        for note in [*ledger.notes, *info.notes, *_warnings(experiment), *beginning(experiment)]:
            listener.say(note)
        _write_inputs(experiment, out)
        backend = stack.enter_context(where(device, workers, out, limit_seconds))
        now = _circumstances(backend, limit_seconds)
        _set_failures_aside(ledger, now, retry_failed, listener)
        runner = Runner(experiment, ledger, *backend, listener, now)
        if not (out / "environment.json").exists():
            runner.note_environment()
        yield runner


def _in_this_process(function: str, workers: int | None, on_ray: RayBackend | None) -> int:
    """0 workers for a function of a notebook or of the script itself: no other process has it."""
    rule = (
        f"{function} is a notebook's or the script's own, so it trains in this process (workers=0)"
    )
    mend = "write it into a file of its own and name that module"
    require(on_ray is None, rule, on_ray and on_ray.address, mend)
    require(not workers, rule, workers, mend)
    return 0


def _circumstances(backend: OpenedBackend, limit_seconds: float | None) -> Circumstances:
    device = backend.environment["device"]
    # A training that lacks memory on a card is tried again with the card to itself.
    at_once = 1 if GPUS in backend.environment else int(backend.environment["workers"])
    return circumstances(device, backend.device, at_once, limit_seconds)


def _set_failures_aside(
    ledger: Ledger, now: Circumstances, all_: bool, listener: ProgressListener
) -> None:
    """Let those trainings be tried again whose failure may be over, and say so."""
    reasons: Counter[str] = Counter()

    def retried(result: Result, where: dict[str, str]) -> bool:
        reason = "asked for" if all_ else now.reason_to_retry(result, where)
        reasons[f"{result.kind}, {reason}"] += bool(reason)
        return bool(reason)

    if ledger.set_aside(retried):
        counted = "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()) if count)
        listener.say(f"failed trainings are tried again where a run needs them: {counted}")


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
    runner.listener.say("drawing the report")
    return report_of(runner.experiment, runner.ledger, out, concluded=ended.constants, keep=True)


def _limited(runner: Runner, limit: TimeLimit) -> Runner:
    """The runner under a limit that knows how long this device's newest trainings took."""
    for job, result, where in runner.ledger.newest_trainings(NEWEST_TRAININGS):
        if where.get(DEVICE) == runner.environment.get(DEVICE):
            limit.learn(job, result)
    return replace(runner, limit=limit)


def _warnings(experiment: Experiment) -> list[str]:
    base = experiment.base
    if isinstance(base, CustomNetwork):
        return [f"{base.function}: {base.code.words}"]
    warning = small_map_warning(base) if isinstance(base, Architecture) else None
    return [f"{warning}, or set fit_strides = true"] if warning else []


def _write_inputs(experiment: Experiment, out: Path) -> None:
    write_atomically(out / "study.toml", to_toml(experiment.study).encode())
    write_atomically(out / "data.json", as_json(asdict(experiment.info)))
    if experiment.initial is not None:
        replace(RunChoices.read(out), init=experiment.initial).write(out)
