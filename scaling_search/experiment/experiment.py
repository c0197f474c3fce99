"""A study together with what follows from its images: the base, the candidates, the jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import cast

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import last_map_px
from scaling_search.compare.family import Member, family
from scaling_search.compare.methods import BASE, COMPOUND, Method
from scaling_search.compare.rivals import Rival, rival_member
from scaling_search.compare.trainings import OWN_RATE, Trainings
from scaling_search.core.errors import require
from scaling_search.data.request import DataInfo
from scaling_search.experiment.study import Study
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.latency.job import Machine, TimeBudget, TimeJob
from scaling_search.latency.result import Timed
from scaling_search.nets.initial_weights import InitialWeights
from scaling_search.search.adaptive import AdaptiveSearch
from scaling_search.search.candidates import Candidate, candidates
from scaling_search.search.constants import Constants, conclude
from scaling_search.search.gate import GateFinding, gate_findings
from scaling_search.search.halving import HalvingSearch
from scaling_search.search.latency_ratios import ratios_of, same_terms, tries_of
from scaling_search.search.resources import RESOURCES, Meter, gathered, meter_of
from scaling_search.search.search import Find, Search
from scaling_search.search.space import Resource


@dataclass(frozen=True)
class Experiment:
    """All that can be said of a study before anything is trained.

    `initial` are the weights that the study's `init` asks for; the base has the epsilon of their
    norms. `ratios` is what is known of latencies, as `search.resources.ratios_of` gives it. Under a
    latency budget `pool`, `constants` and `members` raise UntimedError with the networks that must
    be timed first. Raises UserError when no candidate fits the budget (but for a latency, where
    that is seen later), when nothing measures the base in the budget's resource, or when the
    images are fewer than a batch.
    """

    study: Study
    info: DataInfo
    ratios: Mapping[str, float] = field(default_factory=dict)
    initial: InitialWeights | None = None

    def __post_init__(self) -> None:
        """Raise UserError for what would fail later, after hours."""
        batch, images = self.study.recipe.batch_size, self.info.train_images
        rule = f"a batch of {batch} needs at least as many training images"
        require(images >= batch, rule, images, "lower batch_size or take more images")
        for weighed in (self.study.budget.resource, self.study.search.second):
            if weighed and RESOURCES[weighed].needs_table:
                self._meter_of(weighed)(self.base)
        if self.study.asks_latency:
            seconds = self.study.timing.seconds
            rule = "a latency that is budgeted or weighed needs seconds of timing above 0"
            require(seconds > 0, rule, seconds, "raise timing.seconds")
        elif self.study.compare.constants is None:
            require(len(self.pool) > 0, "a search needs candidates", len(self.pool))

    @cached_property
    def base(self) -> Network:
        """The base network, made for these images."""
        base = self.study.base_for(self.info)
        if self.initial is None or not isinstance(base, Architecture):
            return base
        return replace(base, norm_eps=self.initial.source.norm_eps)

    @cached_property
    def pool(self) -> tuple[Candidate, ...]:
        """The distinct candidates of the space."""
        return candidates(self.base, self.study.budget, self.study.space, self.meter)

    @cached_property
    def meter(self) -> Meter:
        """What reads the budget's resource off a network."""
        return self._meter_of(self.study.budget.resource)

    @property
    def middle_candidate(self) -> Candidate:
        """The candidate of the median MACs, which stands in for one that is not known yet."""
        return self.pool[self.middle_index]

    @cached_property
    def middle_index(self) -> int:
        """Where it stands in the pool."""
        by_macs = sorted(range(len(self.pool)), key=lambda index: self.pool[index].cost.macs)
        return by_macs[len(by_macs) // 2]

    @cached_property
    def costs(self) -> tuple[float, ...] | None:
        """Each candidate's second objective, where the search has one; may raise UntimedError."""
        second = self.study.search.second
        if second is None:
            return None
        meter = self._meter_of(second)
        return tuple(gathered(partial(meter, candidate.architecture) for candidate in self.pool))

    def _meter_of(self, resource: Resource) -> Meter:
        ratios = {**self.ratios, self.base.fingerprint: 1.0}
        return meter_of(
            replace(self.study.budget, resource=resource), self.study.timing.regime, ratios
        )

    def knowing(self, timings: Iterable[Timed], machine: Machine | None = None) -> Experiment:
        """The experiment that knows these timings, the newest first, as far as they answer to it.

        Only those of one machine count: that of `machine`, else of the newest that was taken beside
        this base as the study asks. A study that asks for no latency needs to know none.
        """
        if not self.study.asks_latency:
            return self
        timed = list(timings)
        terms = [(timing.job, self.beside_base((), timing.job.place)) for timing in timed]
        newest = (there for job, there in terms if same_terms(job, there))
        reference = self.beside_base((), machine) if machine else next(newest, None)
        if reference is None:
            return self
        tries = tries_of(timed, reference)
        return replace(self, ratios=ratios_of(tries, reference.anchor, self.study.budget.tolerance))

    def compare_job(
        self,
        network: Network,
        seed: int,
        phi: float = 0.0,
        rate: float = OWN_RATE,
        reads_test: bool = True,
    ) -> TrainJob:
        """The training of a network of the comparison; it reads the test split once, at its end."""
        data, compare = self.study.data, self.study.compare
        if compare.vary_split:
            data = replace(data, validation_seed=seed)
        return job_for(
            network,
            (data, self.info),
            self.study.recipe.at_phi(phi).at_rate(rate),
            epochs=compare.epochs,
            seed=seed,
            reads_test=reads_test,
            initial=self.initial,
        )

    def trainings(self, members: Sequence[Member], find: Find) -> Trainings:
        """The trainings of the comparison of these networks."""
        compare = self.study.compare
        rates = compare.check_rates
        return Trainings(members, compare.every_seed, self.compare_job, find, rates)

    def network_job(
        self, architecture: Network, epochs: int, seed: int, phi: float = 1.0
    ) -> TrainJob:
        """The training of a network as the search trains it; it never reads the test split."""
        data, recipe = (self.study.data, self.info), self.study.recipe.at_phi(phi)
        initial = self.initial
        return job_for(architecture, data, recipe, epochs=epochs, seed=seed, initial=initial)

    def search(self, find: Find) -> Search:
        """The search over these results; it remembers what it was told and is best kept."""
        plan = self.study.search
        kind = AdaptiveSearch if plan.seeds == "adaptive" else HalvingSearch
        return kind(plan, self.pool, self.network_job, find, self.costs, self.grown)

    def grown(self, candidate: Candidate, phi: float) -> Network:
        """The candidate's network at a φ of its family; may raise UntimedError."""
        if phi == 1:
            return candidate.architecture
        kind, budget = self.study.compare.family, self.study.budget
        (at,) = family(self.base, candidate.coefficients, (phi,), budget, kind, self.meter)
        return at.architecture.with_name(f"{candidate.name} φ{phi:g}")

    def networks(self) -> tuple[Network, ...]:
        """Every network that the search may train; may raise UntimedError."""
        phis = dict.fromkeys(rung.phi for rung in self.study.search.rungs)
        asks = [partial(self.grown, each, phi) for each in self.pool for phi in phis]
        return tuple(gathered(asks))

    def gate_jobs(self) -> dict[str, tuple[TrainJob, ...]]:
        """What the gate trains, by "base" and the axis that grew; empty without a gate.

        May raise UntimedError.
        """
        seeds, epochs = self.study.gate.seeds, self.study.search.full_epochs
        if not seeds or self.study.compare.constants is not None:
            return {}
        axes = RESOURCES[self.study.budget.resource].axes
        members = gathered([partial(self._rival, axis, 1.0) for axis in axes])
        networks = {BASE: self.base} | {m.method: m.architecture for (m,) in members}
        return {
            name: tuple(self.network_job(network, epochs, seed) for seed in range(seeds))
            for name, network in networks.items()
        }

    def gate_findings(self, find: Find) -> tuple[GateFinding, ...] | None:
        """What speaks against the proxy, by these results; None where the gate has not been run."""
        results = {
            name: tuple(result for job in jobs if (result := find(job)) is not None)
            for name, jobs in self.gate_jobs().items()
        }
        if not results or any(len(each) < self.study.gate.seeds for each in results.values()):
            return None
        last_px = last_map_px(self.base) if isinstance(self.base, Architecture) else None
        return gate_findings(results, len(self.info.classes), last_px)

    def constants(self, search: Search) -> Constants:
        """What the finished search concludes."""
        return conclude(self.base, self.study.budget, search, self.meter)

    def members(self, coefficients: Coefficients) -> tuple[Member, ...]:
        """The networks of the comparison: the base, the family, then the rivals.

        All are solved in the budget's resource. Raises UntimedError with every network whose
        latency is needed next.
        """
        study, base = self.study, self.base
        phis = sorted({0.0, *study.compare.phis})
        kind = study.compare.family
        asks: list[Callable[[], tuple[Member, ...]]] = [
            partial(family, base, coefficients, phis, study.budget, kind, self.meter),
            *(
                partial(self._rival, rival, phi)
                for rival in study.compare.rivals
                for phi in phis
                if phi != 0
            ),
        ]
        return tuple(member for members in gathered(asks) for member in members)

    def _rival(self, rival: Rival, phi: float) -> tuple[Member]:
        return (rival_member(self.base, self.study.budget, rival, phi, self.meter),)

    def line_up(
        self, members: Sequence[Member], search: Search | None
    ) -> dict[Architecture, Method]:
        """The distinct networks that a run times, and how each grew: members, then candidates.

        A network that no table describes is not timed.
        """
        first = () if search is None else search.reached()[0]
        tried = [self.pool[index].architecture for index in first]
        grown: list[tuple[Network, Method]] = [(m.architecture, m.method) for m in members]
        grown += [(architecture, COMPOUND) for architecture in tried]
        methods: dict[Architecture, Method] = {}
        for network, method in grown:
            if isinstance(network, Architecture):
                methods.setdefault(network, method)
        return methods

    def beside_base(self, networks: Sequence[Architecture], machine: Machine) -> TimeJob:
        """The timing of these networks beside the base, which a table must describe.

        One attempt: what stays doubtful is timed again without those that are not.
        """
        job = self.time_job([cast(Architecture, self.base)], machine)
        return replace(job, networks=tuple(networks), budget=replace(job.budget, attempts=1))

    def time_job(self, networks: Sequence[Architecture], machine: Machine) -> TimeJob:
        """The timing of these networks beside the first of them."""
        timing = self.study.timing
        budget = TimeBudget(timing.seconds, timing.processes)
        return TimeJob(tuple(networks), networks[0], timing.regime, budget, machine)
