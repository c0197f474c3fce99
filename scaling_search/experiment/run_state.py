"""A run as far as its results reach: its search, and the comparison as far as it is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member
from scaling_search.compare.trainings import Trainings
from scaling_search.experiment.experiment import Experiment
from scaling_search.search.constants import Constants
from scaling_search.search.resources import RESOURCES
from scaling_search.search.search import Find, Search


@dataclass(frozen=True)
class RunState:
    """An experiment and its results; what follows from both is worked out once.

    `begun` is the search over the results, and `concluded` what it concludes, where they are there
    already. Under a latency budget all of it may raise UntimedError.
    """

    experiment: Experiment
    find: Find
    begun: Search | None = None
    concluded: Constants | None = None

    @cached_property
    def search(self) -> Search:
        """The search over the results."""
        return self.begun or self.experiment.search(self.find)

    @property
    def is_concluded(self) -> bool:
        """Whether the comparison's networks are known: constants are given, or were found."""
        return self._concluded_coefficients is not None

    @property
    def coefficients(self) -> Coefficients:
        """The comparison's constants; those of a candidate in the middle until they are known."""
        return self._concluded_coefficients or self.experiment.middle_candidate.coefficients

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The comparison's networks for these constants."""
        return self.experiment.members(self.coefficients)

    @cached_property
    def trainings(self) -> Trainings:
        """The comparison's trainings for these constants."""
        return self.experiment.trainings(self.members, self.find)

    @cached_property
    def _concluded_coefficients(self) -> Coefficients | None:
        if self.experiment.study.compare.constants is not None:
            return self.experiment.study.compare.constants
        if self.concluded is not None:
            return self.concluded.coefficients
        if self.search.state().done:
            return self.experiment.constants(self.search).coefficients
        return None


def by_macs(experiment: Experiment) -> Experiment:
    """The experiment as if it asked for MACs where it asks for a latency that is not measured."""
    study = experiment.study
    budget = replace(study.budget, resource="macs")
    search = study.search
    if search.second and RESOURCES[search.second].is_timed:
        search = replace(search, second="macs")
    return replace(experiment, study=replace(study, budget=budget, search=search))
