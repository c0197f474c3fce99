"""Are the checkpoints whole, is there room for more, is this the machine of the results?"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from scaling_search.doctor.finding import Finding, size
from scaling_search.doctor.present import Kept, unfinished_files
from scaling_search.doctor.study import Jobs
from scaling_search.jobs.disk_use import disk_bytes, state_bytes
from scaling_search.jobs.environment import chosen_device, environment, mixture

# The environment's entries that a user chooses, and that change with every commit.
NOT_THE_MACHINES = frozenset({"workers", "gpus", "threads per worker", "git commit"})


def checkpoints(run: Path, kept: Sequence[Kept], jobs: Jobs | None) -> Iterator[Finding]:
    """Findings about the files of checkpoints; `jobs` is None when the study can't be read."""
    whole = [each for each in kept if each.intact]
    yield Finding("checkpoints", "good", f"{len(whole)} are whole, {_size(kept)} in all")
    for each in kept:
        if not each.intact:
            what = f"{each.path.relative_to(run)} is damaged"
            then = "a run goes on from an older one, or from the start, and says so"
            yield Finding("checkpoints", "attention", what, then)
    if jobs is not None:
        yield from _owners(kept, jobs)
    if litter := unfinished_files(run):
        what = f"{len(litter)} half-written, such as {litter[0].relative_to(run)}"
        mend = f"find {shlex.quote(str(run))} -name '.*.part' -delete"
        yield Finding("checkpoints", "note", what, f"never read; with no run under way: {mend}")


def _owners(kept: Sequence[Kept], jobs: Jobs) -> Iterator[Finding]:
    wanted = {job.shared_hash for job in jobs.asked.values()}
    going_on = {job.shared_hash for job in jobs.missing.values()}
    if foreign := [each for each in kept if each.plateau not in wanted]:
        what = f"{len(foreign)} of no training that this study asks for, {_size(foreign)}"
        then = "no run of it reads them: they may be deleted"
        if not jobs.complete:
            then = "keep them: it may ask for them once its search is finished"
        yield Finding("checkpoints", "note", what, then)
    if ended := [each for each in kept if each.plateau in wanted - going_on]:
        what = f"{len(ended)} of finished trainings, {_size(ended)}"
        then = "`export` and longer trainings go on from them; else they may be deleted"
        yield Finding("checkpoints", "note", what, then)


def surroundings(run: Path, needed: bool) -> Finding:
    """Whether machine and software are those of the results; `needed`: more is to be trained."""
    try:
        before = dict(json.loads((run / "environment.json").read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        what = "environment.json is missing or not readable"
        return Finding("environment", "note", what, "a run that trains writes it")
    now = environment(chosen_device("auto"), 1)
    differing = [
        f"{name} {before[name]} → {now.get(name, 'none')}"
        # What an older version did not write down is unknown, and no change.
        for name in sorted(before.keys() - NOT_THE_MACHINES)
        if before[name] != now.get(name)
    ]
    if not differing:
        return Finding("environment", "good", "machine and software are those of the results")
    what = f"it has changed: {', '.join(differing)}"
    if not needed:
        return Finding("environment", "note", what, "nothing is left to train")
    then = "trainings to come may differ from those before in the last bits, and in their seconds"
    return Finding("environment", "attention", what, then)


def kinds_of_device(jobs: Jobs) -> Iterator[Finding]:
    """A finding when the results are of more than one kind of device."""
    if kinds := mixture(jobs.wheres):
        what = f"its trainings ran on different kinds of device: {kinds}"
        then = "what is too close to call may hang on where it ran; nothing is trained again"
        yield Finding("environment", "note", what, then)


def disk(run: Path, kept: Sequence[Kept], jobs: Jobs | None) -> Finding:
    """Whether there is room for what the missing trainings will write."""
    free = shutil.disk_usage(run).free
    missing = [] if jobs is None else list(jobs.missing.values())
    largest = max((each.bytes for each in kept), default=0)
    needed = disk_bytes([state_bytes(job) for job in missing], largest)
    what = f"{size(free)} free, up to {size(needed)} needed for {len(missing)} trainings"
    if free >= needed:
        return Finding("disk", "good", what)
    then = "a run goes on without a checkpoint that finds no room, and stops at a result: make room"
    return Finding("disk", "attention", what, then)


def _size(kept: Sequence[Kept]) -> str:
    return size(sum(each.bytes for each in kept))
