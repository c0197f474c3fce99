"""The whole check. It reads only, takes no lock, and so works beside a run that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.doctor.finding import Finding
from scaling_search.doctor.ledger import lock_and_ledger
from scaling_search.doctor.machine import checkpoints, disk, kinds_of_device, surroundings
from scaling_search.doctor.run_files import checkpoint_files
from scaling_search.doctor.study import (
    StudyJobs,
    collect_jobs,
    experiment_of,
    failures,
    image_findings,
    progress,
)
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.ledger import Ledger
from scaling_search.search.resources import UntimedError


def examine(
    run: Path, *, function: str | None = None, root: str | None = None
) -> tuple[Finding, ...]:
    """Everything that can be said of a run directory without changing it.

    `function` must be given again where the base is a function of the user's, `root` where the
    images have moved. Raises UserError when the directory holds neither a study nor a ledger.
    """
    if not any((run / name).is_file() for name in ("study.toml", "ledger.jsonl")):
        raise UserError(
            f"a run directory holds study.toml and ledger.jsonl, got {str(run)!r} with neither: "
            "name the directory that --out named"
        )
    return tuple(_findings(run, function, root))


def _findings(run: Path, function: str | None, root: str | None) -> Iterator[Finding]:
    yield from lock_and_ledger(run)
    experiment, readable = experiment_of(run, function, root)
    yield readable
    jobs = None
    if experiment is not None:
        jobs, job_findings = _jobs(run, experiment)
        yield from job_findings
    is_needed = jobs is not None and bool(jobs.missing)
    if experiment is not None:
        yield from image_findings(experiment, is_needed)
    files = list(checkpoint_files(run / "checkpoints"))
    yield from checkpoints(run, files, jobs)
    yield surroundings(run, is_needed)
    if jobs is not None:
        yield from kinds_of_device(jobs)
    yield disk(run, files, jobs)


def _jobs(run: Path, experiment: Experiment) -> tuple[StudyJobs | None, list[Finding]]:
    path, jobs = run / "ledger.jsonl", StudyJobs()
    try:
        ledger = Ledger.snapshot(path) if path.is_file() else None
        collect_jobs(experiment, ledger, jobs)
    except UntimedError as error:
        consequence = "a run times them before it goes on"
        return None, [Finding("study", "note", str(error), consequence), *failures(jobs)]
    except UserError as error:
        consequence = "a run is refused with this line"
        return None, [Finding("study", "attention", str(error), consequence), *failures(jobs)]
    return jobs, [progress(jobs, ledger), *failures(jobs)]
