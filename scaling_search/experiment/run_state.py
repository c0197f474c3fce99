"""A run as far as its results reach: its search, and the comparison as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member
from scaling_search.compare.trainings import Trainings
from scaling_search.experiment.experiment import Experiment
from scaling_search.search.constants import Constants
from scaling_search.search.search import Find, Search


@dataclass(frozen=True)
class PlannedComparison:
    """The networks that a comparison is planned with, and whether they are the run's own already.

    `known`: the constants are given, or a finished search has found them; else they are those of a
    candidate in the middle.
    """

    coefficients: Coefficients
    members: tuple[Member, ...]
    known: bool


@dataclass(frozen=True)
class RunState:
    """An experiment and its results; what follows from both is worked out once.

    `concluded` is what the search concludes, where that is known already. Under a latency budget
    all of it may raise UntimedError.
    """

    experiment: Experiment
    find: Find
    concluded: Constants | None = None

    @cached_property
    def search(self) -> Search:
        """The search over the results."""
        return self.experiment.search(self.find)

    @cached_property
    def compared(self) -> PlannedComparison:
        """The comparison's networks as far as they are known."""
        experiment = self.experiment
        coefficients, known = experiment.study.compare.constants, True
        if coefficients is None:
            coefficients, known = self._searched()
        return PlannedComparison(coefficients, experiment.members(coefficients), known)

    @cached_property
    def trainings(self) -> Trainings:
        """The comparison's trainings."""
        return self.experiment.trainings(self.compared.members, self.find)

    def _searched(self) -> tuple[Coefficients, bool]:
        if self.concluded is not None:
            return self.concluded.coefficients, True
        if self.search.state().done:
            return self.experiment.constants(self.search).coefficients, True
        return self.experiment.middle_candidate.coefficients, False


def by_macs(experiment: Experiment) -> Experiment:
    """The experiment as if it asked for MACs where it asks for a latency that is not measured."""
    study = experiment.study
    budget = replace(study.budget, resource="macs")
    search = study.search
    if search.second == "latency":
        search = replace(search, second="macs")
    return replace(experiment, study=replace(study, budget=budget, search=search))
