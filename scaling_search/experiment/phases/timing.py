"""The timing of a run's networks, once nothing trains any more."""

from __future__ import annotations

from scaling_search.experiment.phases.phase import Later, Phase, PlannedPhase, Run
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.study import Study
from scaling_search.jobs.job import TrainJob


class TimingPhase(Phase):
    """Time the networks of the comparison and the candidates; it trains nothing."""

    is_kept = True

    def jobs(self, state: RunState) -> tuple[TrainJob, ...]:  # noqa: ARG002
        """None."""
        return ()

    def planned(self, state: RunState) -> tuple[PlannedPhase, ...]:  # noqa: ARG002
        """None."""
        return ()

    def unfinished(self, state: RunState) -> tuple[str, ...]:  # noqa: ARG002
        """Nothing: which networks a machine timed is the report's to see."""
        return ()

    def extra_seconds(self, study: Study) -> float:
        """What the study gives it."""
        return study.timing.seconds

    def advance(self, run: Run, later: Later) -> Run:  # noqa: ARG002
        """Time what this machine has not timed yet."""
        experiment = run.runner.experiment
        if run.members:
            run.runner.time(list(experiment.line_up(run.members, run.search)))
            run.note_limit()
        return run
