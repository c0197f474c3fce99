"""The gate before a search: the base and each axis grown alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases.phase import Later, Phase, PlannedPhase, Run, planned_phase
from scaling_search.experiment.run_state import RunState
from scaling_search.jobs.job import TrainJob


class GatePhase(Phase):
    """Train the base and each axis alone, and say what speaks against the proxy."""

    is_search = True

    def jobs(self, state: RunState) -> list[TrainJob]:
        """All of its trainings; none without a gate."""
        return [job for jobs in state.experiment.gate_jobs().values() for job in jobs]

    def planned(self, state: RunState) -> Iterator[PlannedPhase]:
        """One phase."""
        jobs = self.jobs(state)
        if jobs:
            yield planned_phase("gate: the base and each axis alone", jobs, state.find)

    def unfinished(self, state: RunState) -> Iterator[str]:
        """How many of its trainings are missing."""
        for planned in self.planned(state):
            if planned.left:
                yield f"{len(planned.left)} of the gate's {planned.trainings} trainings"

    def advance(self, run: Run, later: Later) -> Run:
        """Time what a latency budget needs, train, and say what was found."""
        runner = run.runner.knowing(lambda experiment: (experiment.networks(), experiment.costs))
        runner = runner.knowing(Experiment.gate_jobs)
        experiment, find = runner.experiment, runner.ledger.get
        jobs = self.jobs(RunState(experiment, find))
        name = "the base and each axis alone"
        runner.finish(name, jobs, partial(later.work, runner), later.seconds(runner))
        for finding in experiment.gate_findings(find) or ():
            runner.listener.say(f"gate: {finding.sentence}")
        return Run(runner, run.out)
