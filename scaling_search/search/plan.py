"""How a search goes: which strategy, which lengths of training and φ, and when it is enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Literal

from scaling_search.core.errors import require
from scaling_search.search.curve_kernel import Level
from scaling_search.search.space import Resource
from scaling_search.search.strategies import TWO_OBJECTIVES, StrategyName

MOST_SEEDS = 10_000
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Rung:
    """Train each candidate of this rung for `epochs` from `seeds` seeds; `keep` of them go on.

    At another `phi` than 1 it is the candidate's network at that φ of its family that is trained: a
    rung at φ = 2 sees whether what holds at φ = 1 holds for the size that one will build. The seeds
    are `first_seed`, `first_seed` + 1, …: a last rung of seeds by which nobody was chosen before
    judges the finalists without the luck that brought them there.

    Examples:
        >>> from scaling_search.search.plan import Rung
        >>> screening, judging = Rung(epochs=3, keep=0.4), Rung(epochs=8, seeds=3, first_seed=100)
        >>> screening.seeds, judging.epochs * judging.seeds
        (1, 24)
    """

    epochs: int
    seeds: int = 1
    keep: float = 0.5
    first_seed: int = 0
    phi: float = 1.0

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.epochs >= 1, "a rung needs at least 1 epoch", self.epochs)
        require(self.seeds >= 1, "a rung needs at least 1 seed", self.seeds)
        require(self.seeds <= MOST_SEEDS, f"a rung has at most {MOST_SEEDS} seeds", self.seeds)
        require(0 < self.keep <= 1, "keep must lie in (0, 1]", self.keep)
        require(self.first_seed >= 0, "first_seed must be 0 or more", self.first_seed)
        require(0 < self.phi < math.inf, "a rung's phi must be positive and finite", self.phi)


@dataclass(frozen=True)
class Until:
    """When a search that spends adaptively has enough: as soon as one of these holds.

    `trainings`: it has cost as much as so many trainings of a candidate in full. `regret_points`:
    the best of all is expected to lie no more than so many points above the winner. `p_best`: the
    winner is the best, or within `within_points` of it, with this probability. `hours`: so many
    hours of training, those of all workers together.

    Examples:
        >>> from scaling_search.search.plan import Until
        >>> Until(trainings=40, regret_points=0.2).p_best is None
        True
        >>> Until(trainings=0)
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: trainings must be positive, got 0
    """

    trainings: float = 24.0
    regret_points: float | None = None
    p_best: float | None = None
    within_points: float = 0.5
    hours: float | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        for name in ("trainings", "regret_points", "hours"):
            value = getattr(self, name)
            require(value is None or 0 < value < math.inf, f"{name} must be positive", value)
        p_best, points = self.p_best, self.within_points
        require(p_best is None or 0 < p_best < 1, "p_best must lie in (0, 1)", p_best)
        require(0 <= points < math.inf, "within_points must be 0 or more", points)


@dataclass(frozen=True)
class SearchPlan:
    """How a search goes: the strategy, how many candidates it tries (None: all), its rungs.

    `batch` candidates are proposed at a time; it belongs to the plan and not to the machine, so
    that the proposals don't depend on the number of workers. A longer rung goes on from the
    shorter one's checkpoint of the same seed.

    `asynchronous`: a candidate goes on as soon as it is among the better part of those that have
    ended its rung so far, instead of when all have (ASHA: Li et al., A System for Massively
    Parallel Hyperparameter Tuning, 2020, algorithm 2). No worker then waits for the slowest of a
    rung, and a few candidates more are trained in full. Once all have ended, those whom
    synchronous halving would promote have been promoted too.

    `second` is a second objective beside accuracy, as little as possible of a resource: then
    those go on that fewest others beat in both, the more accurate first.

    `seeds = "adaptive"`: network, rung and seed of each next training are those that lower the
    expected regret most for what they cost, `until` it is enough (`search.adaptive`). The rungs
    then say which lengths and φ there are; their `seeds` and `keep` are not read.

    Examples:
        >>> from scaling_search.search.plan import Rung, SearchPlan
        >>> plan = SearchPlan("gp", trials=24, rungs=(Rung(epochs=2), Rung(epochs=8, seeds=3)))
        >>> plan.full_epochs, plan.level(plan.rungs[0]).halvings
        (8, 2.0)
    """

    strategy: StrategyName = "grid"
    trials: int | None = None
    batch: int = 2
    seed: int = 0
    asynchronous: bool = False
    second: Resource | None = None
    seeds: Literal["fixed", "adaptive"] = "fixed"
    until: Until = field(default_factory=Until)
    rungs: tuple[Rung, ...] = (Rung(3, 1), Rung(8, 3))

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        trials = self.trials
        require(trials is None or trials >= 1, "a search needs at least 1 trial", trials)
        require(self.batch >= 1, "batch must be at least 1", self.batch)
        require(0 <= self.seed < 2**32, "the search's seed must lie in [0, 2^32)", self.seed)
        rule = f"strategy {self.strategy!r} weighs two objectives and needs second"
        weighed = self.second is not None or self.strategy not in TWO_OBJECTIVES
        require(weighed, rule, self.second, 'set second = "activations" or another resource')
        require(len(self.rungs) >= 1, "a search needs at least one rung", self.rungs)
        self._check_rungs()
        if self.seeds == "adaptive":
            rule = "adaptive seeds are the Gaussian process's to choose"
            require(self.strategy == "gp", rule, self.strategy, 'set strategy = "gp"')
            require(self.second is None, "adaptive seeds weigh accuracy alone", self.second)

    def _check_rungs(self) -> None:
        """φ and lengths rise, or stay for seeds that are new."""
        order = [(rung.phi, rung.epochs, rung.first_seed) for rung in self.rungs]
        rising = all(
            a < b and a[0] <= b[0] and (a[1] <= b[1] or a[0] < b[0]) for a, b in pairwise(order)
        )
        rule = "each rung must be longer than the one before, at a higher phi or first_seed"
        require(rising, rule, order)

    @property
    def target_phi(self) -> float:
        """The φ that the answer is for: the last rung's."""
        return self.rungs[-1].phi

    @property
    def full_epochs(self) -> int:
        """The length of training that the answer is for: the last rung's."""
        return self.rungs[-1].epochs

    def level(self, rung: Rung) -> Level:
        """How far a rung is from what the answer is for."""
        return Level(math.log2(self.full_epochs / rung.epochs), self.target_phi - rung.phi)
