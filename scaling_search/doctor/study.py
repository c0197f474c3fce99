"""Is the study readable, is it the one the results were obtained with, are its images there?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.data.cache import user_path
from scaling_search.doctor.finding import Finding, FindingState
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.phases import phases_of
from scaling_search.experiment.run_state import RunState
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished, Result


@dataclass
class StudyJobs:
    """The trainings that a study asks for as far as its results reach, by hash.

    `complete`: the search is finished, so that all are known. `wheres`: where each of the results
    was obtained, as its record says. `failed` counts, by its kind, what came to no end.
    """

    complete: bool = False
    wheres: list[dict[str, str]] = field(default_factory=list)
    requested: dict[str, TrainJob] = field(default_factory=dict)
    missing: dict[str, TrainJob] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)


def experiment_of(
    run: Path, function: str | None, root: str | None
) -> tuple[Experiment | None, Finding]:
    """The experiment of a run, where it can be read, and what is to be said of it."""
    try:
        experiment = read_experiment(run, function=function, root=root)
    except UserError as error:
        consequence = "a run of your own study file with this --out writes it anew"
        return None, Finding("study", "attention", str(error), consequence)
    return experiment, Finding("study", "good", f"study.toml is whole: {experiment.study.name}")


def collect_jobs(experiment: Experiment, ledger: Ledger | None, jobs: StudyJobs) -> None:
    """Add to `jobs` the trainings that a run would ask for; raises UserError as a run would."""
    find = partial(_result, ledger, jobs)
    state = RunState(experiment, find)
    for phase in phases_of(experiment.study):
        _request(jobs, phase.jobs(state), find)
    jobs.complete = state.is_concluded


def _result(ledger: Ledger | None, jobs: StudyJobs, job: TrainJob) -> Result | None:
    """A job's result, noted in `jobs`: a search also looks for what it does not ask for."""
    result = None if ledger is None else ledger.get(job)
    if ledger is not None and result is not None and job.hash not in jobs.requested:
        if not isinstance(result, Finished):
            jobs.failed[result.kind] += 1
        jobs.requested[job.hash] = job
        jobs.wheres.append(ledger.where(job))
    return result


def _request(
    jobs: StudyJobs, requested: Iterable[TrainJob], find: Callable[[TrainJob], Result | None]
) -> None:
    missing = {job.hash: job for job in requested if find(job) is None}
    jobs.requested.update(missing)
    jobs.missing.update(missing)


def progress(jobs: StudyJobs, ledger: Ledger | None) -> Finding:
    """Whether the results are those of this study, and what a run would train."""
    missing = len(jobs.missing)
    with_results = len(jobs.requested) - missing
    unrequested = (0 if ledger is None else ledger.trainings) - with_results
    consequence = (
        f"a run trains what is missing, {missing} at first" if missing else "a run trains none"
    )
    if unrequested and not with_results:
        fact = f"none of the {unrequested} trainings in the ledger is one that study.toml asks for"
        return Finding("study", "attention", fact, f"{consequence}; the others' results are kept")
    fact = f"{with_results} of its trainings have their results"
    if unrequested:
        whose = "another study, or this one before it was edited"
        later = "" if jobs.complete else "; or it asks for them once its search is finished"
        fact += f"; {unrequested} more are not asked for: they are of {whose}{later}"
    return Finding("study", "note" if unrequested or missing else "good", fact, consequence)


def failures(jobs: StudyJobs) -> Iterator[Finding]:
    """The trainings that came to no end, and how they are tried again."""
    if not jobs.failed:
        return
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(jobs.failed.items()))
    their_own = set(jobs.failed) == {"diverged"}  # not of anything around them
    consequence = (
        "a run tries those again whose limit, device, memory or code has changed since, and all "
        "of them with --retry-failed"
    )
    fact = f"of its trainings came to no end: {counted}"
    yield Finding("study", "note" if their_own else "attention", fact, consequence)


def _weights_findings(experiment: Experiment, is_needed: bool) -> Iterator[Finding]:
    initial = experiment.initial
    if initial is None:
        return
    if Path(initial.path).is_file():
        yield Finding("weights", "good", f"the file of {initial.name} is there")
        return
    state: FindingState = "attention" if is_needed else "note"
    consequence = "a run needs it: put it back, or fetch it with --download"
    yield Finding("weights", state, f"the file {initial.path!r} is not there", consequence)


def image_findings(experiment: Experiment, is_needed: bool) -> Iterator[Finding]:
    """Whether the root of the images and the weights are there, and what was said of the images.

    `is_needed`: something is to be trained.
    """
    yield from _weights_findings(experiment, is_needed)
    for note in experiment.info.notes:
        yield Finding("data", "note", note)
    root = experiment.study.data.root
    if root is None:
        return
    if user_path(root).is_dir():
        yield Finding("data", "good", f"the images' root {root!r} is there")
        return
    state: FindingState = "attention" if is_needed else "note"
    consequence = "a run needs it: add --root with the place where it lies now"
    yield Finding("data", state, f"the images' root {root!r} is not there", consequence)
