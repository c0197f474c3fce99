"""A study as a verb's options name it, and how it is carried out with its progress shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from scaling_search.arch.scaling import Coefficients
from scaling_search.cli import options
from scaling_search.cli.console import errors
from scaling_search.cli.ending import show_outcome
from scaling_search.cli.progress import ProgressBars
from scaling_search.compare.law_phis import read_phis
from scaling_search.compare.rivals import read_rivals
from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.preset_files import PRESETS
from scaling_search.experiment.presets import preset
from scaling_search.experiment.study import Study, with_function, with_images
from scaling_search.experiment.study_file import read_study


def chosen_study(
    path: Path | None, name: str | None, function: str | None, root: str | None, download: bool
) -> Study:
    """The study that a verb's options name; raises UserError for none, and for two."""
    if (path is None) == (name is None):
        raise UserError(
            f"a run needs a study file or a --preset, got {'both' if name else 'neither'}: "
            "try --preset demo"
        )
    if path is not None and str(path) in PRESETS and not path.exists():
        raise UserError(f"a study file must be there, got {str(path)!r}: --preset {path} runs that")
    chosen = read_study(path, function=function) if path is not None else preset(name or "")
    if function is not None:
        chosen = with_function(chosen, function)
    return with_images(chosen, root, download)


def of_constants(
    study: Study, constants: Coefficients, rivals: str | None, phis: str | None
) -> Study:
    """The study that compares these constants, with the rivals and at the φ that options name."""
    compare = study.compare
    against = compare.rivals if rivals is None else read_rivals(rivals)
    at = compare.phis if phis is None else read_phis(phis)
    comparison = replace(compare, constants=constants, rivals=against, phis=at)
    return replace(study, name=f"{study.name}-compare", compare=comparison)


class Placement(NamedTuple):
    """The options that say where jobs run."""

    device: str
    workers: int | None
    gpus: str | None
    jobs_per_gpu: str
    ray: str | None
    gpus_per_job: float | None


class TimeLimits(NamedTuple):
    """The options that say how long a training, and all of them, may take."""

    job_seconds: float | None
    hours: float | None


def run_study(
    study: Study,
    out: Path | None,
    placement: Placement,
    limits: TimeLimits,
    retry_failed: bool,
    track: list[str] | None,
    as_json: bool,
    search_only: bool = False,
) -> None:
    """Carry it out, with its progress shown, and print what came of it."""
    with ProgressBars(errors) as live:
        outcome = run(
            study,
            out or Path("runs") / study.name,
            device=placement.device,
            workers=placement.workers,
            gpus=placement.gpus,
            jobs_per_gpu=options.jobs_per_gpu(placement.jobs_per_gpu),
            limit_seconds=limits.job_seconds,
            max_hours=limits.hours,
            ray=placement.ray,
            gpus_per_job=placement.gpus_per_job,
            search_only=search_only,
            retry_failed=retry_failed,
            track=track or (),
            listener=live,
        )
    show_outcome(outcome, as_json)
