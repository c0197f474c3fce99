"""The phases of a run, in their order.

Whoever asks what a run does, what is left of it and what it waits for asks these: the run itself,
its progress, the plan, the report and the doctor. A new phase is one file, and its place here.
"""

from __future__ import annotations

from collections.abc import Iterator

from scaling_search.experiment.phases.comparison import ComparisonPhase
from scaling_search.experiment.phases.gate import GatePhase
from scaling_search.experiment.phases.phase import Later, Phase, PlannedPhase, Run
from scaling_search.experiment.phases.search import SearchPhase
from scaling_search.experiment.phases.timing import TimingPhase
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.study import Study

PHASES: tuple[Phase, ...] = (GatePhase(), SearchPhase(), ComparisonPhase(), TimingPhase())


def phases_of(study: Study, *, search_only: bool = False) -> tuple[Phase, ...]:
    """The phases that a study has: no search where its constants are given."""
    searches = study.compare.constants is None
    return tuple(phase for phase in PHASES if (searches if phase.is_search else not search_only))


def planned_phases(state: RunState) -> tuple[PlannedPhase, ...]:
    """What the run's phases ask for, in their order; raises UntimedError as `Experiment` does."""
    return tuple(_planned(state))


def _planned(state: RunState) -> Iterator[PlannedPhase]:
    for phase in phases_of(state.experiment.study):
        yield from phase.planned(state)


def advance_all(run: Run, *, search_only: bool) -> Run:
    """Bring every phase of a run to its end, one after the other."""
    order = phases_of(run.runner.experiment.study, search_only=search_only)
    for number, phase in enumerate(order):
        run = phase.advance(run, Later(order[number + 1 :]))
    return run


__all__ = [
    "ComparisonPhase",
    "GatePhase",
    "Later",
    "Phase",
    "PlannedPhase",
    "Run",
    "SearchPhase",
    "TimingPhase",
    "advance_all",
    "phases_of",
    "planned_phases",
]
