"""Are the checkpoints whole, is there room for more, is this the machine of the results?"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from scaling_search.doctor.finding import Finding, size
from scaling_search.doctor.run_files import CheckpointFacts, unfinished_files
from scaling_search.doctor.study import StudyJobs
from scaling_search.jobs.disk_use import disk_bytes, state_bytes
from scaling_search.jobs.environment import chosen_device, environment, mixture

# The environment's entries that a user chooses, and that change with every commit.
NOT_THE_MACHINES = frozenset({"workers", "gpus", "threads per worker", "git commit"})


def checkpoints(
    run: Path, files: Sequence[CheckpointFacts], jobs: StudyJobs | None
) -> Iterator[Finding]:
    """Findings about the files of checkpoints; `jobs` is None when the study can't be read."""
    intact = [file for file in files if file.intact]
    yield Finding("checkpoints", "good", f"{len(intact)} are whole, {_size(files)} in all")
    for file in files:
        if not file.intact:
            fact = f"{file.path.relative_to(run)} is damaged"
            consequence = "a run goes on from an older one, or from the start, and says so"
            yield Finding("checkpoints", "attention", fact, consequence)
    if jobs is not None:
        yield from _owners(files, jobs)
    if litter := unfinished_files(run):
        fact = f"{len(litter)} half-written, such as {litter[0].relative_to(run)}"
        mend = f"find {shlex.quote(str(run))} -name '.*.part' -delete"
        yield Finding("checkpoints", "note", fact, f"never read; with no run under way: {mend}")


def _owners(files: Sequence[CheckpointFacts], jobs: StudyJobs) -> Iterator[Finding]:
    asked_hashes = {job.shared_hash for job in jobs.requested.values()}
    going_on = {job.shared_hash for job in jobs.missing.values()}
    if foreign := [file for file in files if file.plateau not in asked_hashes]:
        fact = f"{len(foreign)} of no training that this study asks for, {_size(foreign)}"
        consequence = "no run of it reads them: they may be deleted"
        if not jobs.complete:
            consequence = "keep them: it may ask for them once its search is finished"
        yield Finding("checkpoints", "note", fact, consequence)
    if ended := [file for file in files if file.plateau in asked_hashes - going_on]:
        fact = f"{len(ended)} of finished trainings, {_size(ended)}"
        consequence = "`export` and longer trainings go on from them; else they may be deleted"
        yield Finding("checkpoints", "note", fact, consequence)


def surroundings(run: Path, is_needed: bool) -> Finding:
    """Whether machine and software are those of the results; `is_needed`: more is to be trained."""
    try:
        recorded = dict(json.loads((run / "environment.json").read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        fact = "environment.json is missing or not readable"
        return Finding("environment", "note", fact, "a run that trains writes it")
    present = environment(chosen_device("auto"), 1)
    differing = [
        f"{name} {recorded[name]} → {present.get(name, 'none')}"
        # What an older version did not write down is unknown, and no change.
        for name in sorted(recorded.keys() - NOT_THE_MACHINES)
        if recorded[name] != present.get(name)
    ]
    if not differing:
        return Finding("environment", "good", "machine and software are those of the results")
    fact = f"it has changed: {', '.join(differing)}"
    if not is_needed:
        return Finding("environment", "note", fact, "nothing is left to train")
    consequence = (
        "trainings to come may differ from those before in the last bits, and in their seconds"
    )
    return Finding("environment", "attention", fact, consequence)


def kinds_of_device(jobs: StudyJobs) -> Iterator[Finding]:
    """A finding when the results are of more than one kind of device."""
    if kinds := mixture(jobs.wheres):
        fact = f"its trainings ran on different kinds of device: {kinds}"
        consequence = "what is too close to call may hang on where it ran; nothing is trained again"
        yield Finding("environment", "note", fact, consequence)


def disk(run: Path, files: Sequence[CheckpointFacts], jobs: StudyJobs | None) -> Finding:
    """Whether there is room for what the missing trainings will write."""
    free = shutil.disk_usage(run).free
    missing = [] if jobs is None else list(jobs.missing.values())
    largest = max((file.bytes for file in files), default=0)
    needed_bytes = disk_bytes([state_bytes(job) for job in missing], largest)
    fact = f"{size(free)} free, up to {size(needed_bytes)} needed for {len(missing)} trainings"
    if free >= needed_bytes:
        return Finding("disk", "good", fact)
    consequence = (
        "a run goes on without a checkpoint that finds no room, and stops at a result: make room"
    )
    return Finding("disk", "attention", fact, consequence)


def _size(files: Sequence[CheckpointFacts]) -> str:
    return size(sum(file.bytes for file in files))
