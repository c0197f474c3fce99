"""The verbs that carry out a study: run, search, compare; and report, which draws again.

Each brings what carries it out when it is called: a shell completes its options without torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options


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
    from scaling_search.cli.study_runs import Placement, TimeLimits, chosen_study, run_study

    chosen = chosen_study(study, preset, function, root, download)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    run_study(
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
    from scaling_search.cli.study_runs import Placement, TimeLimits, chosen_study, run_study

    chosen = chosen_study(study, preset, function, root, download)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    run_study(
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
    from scaling_search.arch.scaling import Coefficients
    from scaling_search.cli.study_runs import (
        Placement,
        TimeLimits,
        chosen_study,
        of_constants,
        run_study,
    )

    chosen = chosen_study(study, preset, function, root, download)
    chosen = of_constants(chosen, Coefficients(alpha, beta, gamma), rivals, phis)
    placement = Placement(device, workers, gpus, jobs_per_gpu, ray, gpus_per_job)
    run_study(
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
    from scaling_search.cli.ending import show_outcome
    from scaling_search.experiment.outcome import redraw

    show_outcome(redraw(run_directory, function=function), as_json)
