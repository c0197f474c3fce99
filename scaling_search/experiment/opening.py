"""A run directory opened to train in: its images checked, its ledger held, its backend open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import small_map_warning
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.cost.custom_network import CustomNetwork
from scaling_search.data.load import describe
from scaling_search.experiment.beginning import beginning, found_weights
from scaling_search.experiment.chosen_precision import with_precision
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.placement import TrainingPlacement
from scaling_search.experiment.runner import ProgressListener, Runner
from scaling_search.experiment.study import Study
from scaling_search.experiment.study_file import to_toml
from scaling_search.experiment.study_paths import with_absolute_paths
from scaling_search.jobs.backend import OpenedBackend
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.local import GPUS
from scaling_search.jobs.result import Result
from scaling_search.jobs.retry import Circumstances, circumstances
from scaling_search.jobs.run_choices import RunChoices


@contextmanager
def open_runner(
    study: Study,
    out: Path,
    placement: TrainingPlacement,
    listener: ProgressListener,
    *,
    retry_failed: bool = False,
) -> Iterator[Runner]:
    """What trains in a run directory: its images are checked, and its ledger is held till the end.

    Raises UserError as `run` does.
    """
    placement = placement.for_study(study, listener.say)
    open_backend = placement.backend(study.recipe, listener.event)
    # The run directory may be moved, and `export` be asked from another working directory.
    study = with_absolute_paths(study)
    info = describe(study.data, report=listener.say)
    experiment = Experiment(study, info, initial=found_weights(study, info, listener.say))
    device, limit_seconds = placement.device, placement.limit_seconds
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(out / "ledger.jsonl"))
        if study.recipe.precision == "auto":
            trial_backend = placement.trial_backend
            experiment = with_precision(experiment, out, device, trial_backend, listener.say)
        for note in [*ledger.notes, *info.notes, *_warnings(experiment), *beginning(experiment)]:
            listener.say(note)
        _write_inputs(experiment, out)
        backend = open_backend(device, placement.workers, out, limit_seconds)
        opened = stack.enter_context(backend)
        now = _circumstances(opened, limit_seconds)
        _set_failures_aside(ledger, now, retry_failed, listener)
        runner = Runner(experiment, ledger, *opened, listener, now)
        if not (out / "environment.json").exists():
            runner.note_environment()
        yield runner


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
