"""What follows a study's search: the comparison of networks, and the timing of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import FamilyBudget
from scaling_search.compare.rivals import Rival, check_rivals
from scaling_search.compare.trainings import OWN_RATE
from scaling_search.core.errors import require
from scaling_search.latency.job import Regime
from scaling_search.search.plan import MOST_SEEDS

_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Comparison:
    """The family and its rivals: at which φ, for how many epochs, from how many seeds.

    The seeds are `first_seed`, `first_seed` + 1, …, none of which the search may have used.
    `check_rates` are multiples of the recipe's learning rate, 1 among them: each network is trained
    at each and compared at that of least validation loss. `vary_split`: each seed also draws its
    own validation images out of the training images, so that intervals cover the luck of the split
    too (arXiv 2103.03098). `constants` given: there is no search, these are compared. Raises
    UserError for zero seeds or epochs, for no φ at all, for a φ twice, or for unknown rivals.

    Examples:
        >>> from scaling_search.experiment.comparison import Comparison
        >>> plan = Comparison(phis=(0, 1, 2), rivals=("depth", "paper"), seeds=5)
        >>> list(plan.every_seed)
        [1000, 1001, 1002, 1003, 1004]
        >>> Comparison(phis=(1, 1))
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: each φ is named once, got (1, 1)
    """

    phis: tuple[float, ...] = (0.0, 1.0, 2.0)
    family: FamilyBudget = "measured"
    rivals: tuple[Rival, ...] = ("depth", "width", "resolution")
    epochs: int = 8
    seeds: int = 3
    first_seed: int = 1000
    vary_split: bool = False
    check_rates: tuple[float, ...] = (OWN_RATE,)
    constants: Coefficients | None = None

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.seeds >= 1, "a comparison needs at least 1 seed", self.seeds)
        rule = f"a comparison has at most {MOST_SEEDS} seeds"
        require(self.seeds <= MOST_SEEDS, rule, self.seeds)
        require(self.epochs >= 1, "a comparison needs at least 1 epoch", self.epochs)
        require(len(self.phis) >= 1, "a comparison needs at least one φ", self.phis)
        require(len(set(self.phis)) == len(self.phis), "each φ is named once", self.phis)
        require(all(map(math.isfinite, self.phis)), "each φ must be a finite number", self.phis)
        require(self.first_seed >= 0, "first_seed must be 0 or more", self.first_seed)
        self._check_rates()
        check_rivals(self.rivals)

    @property
    def every_seed(self) -> range:
        """The seeds that each network is trained from."""
        return range(self.first_seed, self.first_seed + self.seeds)

    def _check_rates(self) -> None:
        rates = self.check_rates
        good = all(0 < rate < math.inf for rate in rates) and len({*rates}) == len(rates)
        require(good, "check_rates are positive, finite and named once", rates)
        rule = "check_rates hold 1, the recipe's own rate"
        require(OWN_RATE in rates, rule, rates, "add 1 to them")


@dataclass(frozen=True)
class Timing:
    """How the networks of a run are timed once all are trained, so that nothing runs beside them.

    `seconds` is the measuring of one attempt, shared by `processes` fresh processes (0 seconds:
    nothing is timed); the regime is the profiler's.
    """

    seconds: float = 30.0
    processes: int = 3
    regime: Regime = field(default_factory=Regime)

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        seconds = self.seconds
        require(0 <= seconds < math.inf, "seconds must be 0 or more and finite", seconds)
        require(self.processes >= 1, "processes must be at least 1", self.processes)
