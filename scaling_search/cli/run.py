"""The verbs that carry out a study: run, search, compare; and report, which draws again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from scaling_search.arch.scaling import Coefficients
from scaling_search.cli import options
from scaling_search.cli.output import errors, show_outcome
from scaling_search.cli.progress import ProgressBars
from scaling_search.compare.law_phis import read_phis
from scaling_search.compare.rivals import read_rivals
from scaling_search.core.errors import UserError
from scaling_search.experiment.outcome import redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.presets import PRESETS, preset
from scaling_search.experiment.study import Study, with_function, with_images
from scaling_search.experiment.study_file import read_study


def run_command(
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.FunctionOption = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: options.Gpus = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    ray: options.Ray = None,
    gpus_per_job: options.GpusPerJob = None,
    job_timeout: options.JobTimeout = None,
    max_hours: options.MaxHours = None,
    retry_failed: options.RetryFailed = False,
    track: options.Track = None,
    as_json: options.AsJson = False,
) -> None:
    """Search, grow the family and its rivals, train them and write the report.

    Started again, it goes on where it stopped. Example: scaling-search run --preset demo
    """
    chosen = chosen_study(study, preset, function, root, download)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    _run_study(
        chosen, out, placement, TimeLimits(job_timeout, max_hours), retry_failed, track, as_json
    )


def search_command(
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.FunctionOption = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: options.Gpus = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    ray: options.Ray = None,
    gpus_per_job: options.GpusPerJob = None,
    job_timeout: options.JobTimeout = None,
    max_hours: options.MaxHours = None,
    retry_failed: options.RetryFailed = False,
    track: options.Track = None,
    as_json: options.AsJson = False,
) -> None:
    """Find the constants and stop there; `run` with the same --out goes on.

    Example: scaling-search search --preset fashion-mnist
    """
    chosen = chosen_study(study, preset, function, root, download)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    _run_study(
        chosen,
        out,
        placement,
        TimeLimits(job_timeout, max_hours),
        retry_failed,
        track,
        as_json,
        search_only=True,
    )


def compare_command(
    alpha: options.Alpha,
    beta: options.Beta,
    gamma: options.Gamma,
    study: options.StudyFile = None,
    rivals: options.Rivals = None,
    phis: options.Phis = None,
    preset: options.Preset = None,
    function: options.FunctionOption = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: options.Gpus = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    ray: options.Ray = None,
    gpus_per_job: options.GpusPerJob = None,
    job_timeout: options.JobTimeout = None,
    max_hours: options.MaxHours = None,
    retry_failed: options.RetryFailed = False,
    track: options.Track = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare the family of given constants with its rivals, without a search.

    Are they better than EfficientNet's? Example: scaling-search compare --preset demo
    --alpha 1.05 --beta 1.1 --gamma 1.3 --rivals paper
    """
    chosen = chosen_study(study, preset, function, root, download)
    against = chosen.compare.rivals if rivals is None else read_rivals(rivals)
    at = chosen.compare.phis if phis is None else read_phis(phis)
    constants = Coefficients(alpha, beta, gamma)
    comparison = replace(chosen.compare, constants=constants, rivals=against, phis=at)
    chosen = replace(chosen, name=f"{chosen.name}-compare", compare=comparison)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    _run_study(
        chosen, out, placement, TimeLimits(job_timeout, max_hours), retry_failed, track, as_json
    )


def report_command(
    run_directory: Annotated[Path, typer.Argument(help="A directory that `run` wrote.")],
    function: options.FunctionOption = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a run's tables, figures and page again from its ledger; trains nothing.

    Example: scaling-search report runs/demo
    """
    show_outcome(redraw(run_directory, function=function), as_json)


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


def _run_study(
    study: Study,
    out: Path | None,
    placement: Placement,
    limits: TimeLimits,
    retry_failed: bool,
    track: list[str] | None,
    as_json: bool,
    search_only: bool = False,
) -> None:
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
