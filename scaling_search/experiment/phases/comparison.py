"""The comparison: the family and its rivals, and each at its best rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from scaling_search.experiment.beginning import beginnings
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases.phase import (
    Later,
    Phase,
    PlannedPhase,
    Run,
    count_networks,
    planned_phase,
)
from scaling_search.experiment.remaining_work import Portion
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.runner import Runner
from scaling_search.jobs.job import TrainJob
from scaling_search.search.resources import UntimedError


class ComparisonPhase(Phase):
    """Train family and rivals; the test split is read once a network, at its best rate."""

    is_kept = True

    def jobs(self, state: RunState) -> Iterator[TrainJob]:
        """None before the constants are known; those at the best rates once these are."""
        if not state.is_concluded:
            return
        first = state.trainings.first()
        yield from first
        if all(state.find(job) is not None for job in first):
            yield from state.trainings.scored()

    def planned(self, state: RunState) -> Iterator[PlannedPhase]:
        """One phase; where rates are checked another, and one for the test images."""
        trainings, find = state.trainings, state.find
        first, compared = trainings.first(), trainings.at_own_rate().first()
        yield planned_phase("comparison", compared, find)
        if len(trainings.rates) == 1:
            return
        hashes = {job.hash for job in compared}
        yield planned_phase("check of rates", (j for j in first if j.hash not in hashes), find)
        # Trained already, they only read the test split; which is not known before all have ended.
        name = "test images at the best rates"
        if any(find(job) is None for job in first):
            left = tuple(Portion(job, share=0.0) for job in compared)
            yield PlannedPhase(name, count_networks(compared), len(compared), 0, left, 0.0)
        else:
            again = [job for job in trainings.scored() if job.hash not in hashes]
            yield planned_phase(name, again, find, share=0.0)

    def unfinished(self, state: RunState) -> Iterator[str]:
        """How many of its trainings are missing, or all of it."""
        try:
            jobs = state.trainings.first() if state.is_concluded else []
        except UntimedError:
            jobs = []
        if not jobs:
            yield "the comparison"
        left = sum(state.find(job) is None for job in jobs)
        if left:
            yield f"{left} of the comparison's {len(jobs)} trainings"

    def advance(self, run: Run, later: Later) -> Run:
        """Train what is missing; nothing where the search found no constants."""
        coefficients = run.runner.experiment.study.compare.constants
        if run.constants is not None:
            coefficients = run.constants.coefficients
        if coefficients is None:
            return run
        runner = run.runner.knowing(partial(Experiment.members, coefficients=coefficients))
        experiment = runner.experiment
        members = experiment.members(coefficients)
        for line in beginnings(experiment, members):
            runner.listener.say(line)
        trainings = experiment.trainings(members, runner.ledger.get)
        runner.finish("comparison", trainings.first(), partial(later.work, runner))
        # They are trained already: a limit of hours has room for their test images.
        replace(runner, limit=None).finish(
            "comparison, at each network's best rate",
            [job for job in trainings.scored() if _is_scored_alone(runner, job)],
        )
        return replace(run, runner=runner, members=members)


def _is_scored_alone(runner: Runner, job: TrainJob) -> bool:
    """Whether nothing but the test images of a training is missing, under a limit of hours."""
    return runner.limit is None or runner.ledger.get(replace(job, reads_test=False)) is not None
