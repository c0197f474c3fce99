"""A study together with what follows from its images: the base, the candidates, the jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member, family, member
from scaling_search.compare.matched import matched
from scaling_search.cost.analytic import count
from scaling_search.cost.explain import Axis as GrowthAxis
from scaling_search.cost.latency.values import Place, TimeBudget, TimeJob
from scaling_search.data.request import DataInfo
from scaling_search.errors import require
from scaling_search.jobs.job import Result, TrainJob, job_for
from scaling_search.search.candidates import Candidate, candidates
from scaling_search.search.constants import Constants, conclude
from scaling_search.search.halving import Step, advance
from scaling_search.study import Study

Find = Callable[[TrainJob], Result | None]


@dataclass(frozen=True)
class Setting:
    """All that can be said of a study before anything is trained.

    Raises UserError when no candidate fits the budget or the images are fewer than a batch.
    """

    study: Study
    info: DataInfo

    def __post_init__(self) -> None:
        """Raise UserError for what would fail later, after hours."""
        batch, images = self.study.recipe.batch_size, self.info.train_images
        rule = f"a batch of {batch} needs at least as many training images"
        require(images >= batch, rule, images, "lower batch_size or take more images")
        if self.study.compare.constants is None:
            require(len(self.pool) > 0, "a search needs candidates", len(self.pool))

    @cached_property
    def base(self) -> Network:
        """The base network, made for these images."""
        return self.study.base_for(self.info)

    @cached_property
    def pool(self) -> tuple[Candidate, ...]:
        """The distinct candidates of the space."""
        return candidates(self.base, self.study.budget, self.study.space)

    def search_job(self, candidate: Candidate, epochs: int, seed: int) -> TrainJob:
        """The training of a candidate; it never reads the test split."""
        recipe = self.study.recipe
        data = (self.study.data, self.info)
        return job_for(candidate.architecture, data, recipe, epochs=epochs, seed=seed)

    def compare_job(self, architecture: Network, seed: int) -> TrainJob:
        """The training of a network of the comparison; it reads the test split once, at its end."""
        return job_for(
            architecture,
            (self.study.data, self.info),
            self.study.recipe,
            epochs=self.study.compare.epochs,
            seed=seed,
            reads_test=True,
        )

    def step(self, find: Find) -> Step:
        """Where the search stands."""
        return advance(self.study.search, self.pool, self.search_job, find)

    def constants(self, step: Step, find: Find) -> Constants:
        """What the finished search concludes."""
        study = self.study
        return conclude(
            self.base, study.budget, study.search, self.pool, step, self.search_job, find
        )

    def members(self, coefficients: Coefficients) -> tuple[Member, ...]:
        """The networks of the comparison: the base, the family, then the rivals."""
        study, base = self.study, self.base
        phis = sorted({0.0, *study.compare.phis})
        compound = family(base, coefficients, phis, study.budget, study.compare.family)
        base_cost = study.budget.of(count(base))
        rivals = []
        for axis in study.compare.rivals:
            for phi in (phi for phi in phis if phi != 0):
                target = base_cost * study.budget.growth**phi
                multipliers = matched(base, axis, target, study.budget)
                grown = scale(base, multipliers)
                rivals.append(member(base, study.budget, axis, phi, grown, multipliers))
        return (*compound, *rivals)

    def line_up(
        self, members: Sequence[Member], step: Step | None
    ) -> dict[Architecture, GrowthAxis]:
        """The distinct networks that a run times, and how each grew: members, then candidates.

        A network that no table describes is not timed.
        """
        tried = [] if step is None else [self.pool[index].architecture for index in step.rungs[0]]
        grown: list[tuple[Network, GrowthAxis]] = [(m.architecture, m.method) for m in members]
        grown += [(architecture, "compound") for architecture in tried]
        found: dict[Architecture, GrowthAxis] = {}
        for network, axis in grown:
            if isinstance(network, Architecture):
                found.setdefault(network, axis)
        return found

    def time_job(self, networks: Sequence[Architecture], place: Place) -> TimeJob:
        """The timing of these networks beside the first of them."""
        timing = self.study.timing
        budget = TimeBudget(timing.seconds, timing.processes)
        return TimeJob(tuple(networks), networks[0], timing.regime, budget, place)
