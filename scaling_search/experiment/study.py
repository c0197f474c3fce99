"""A study: the one frozen description of a run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import fit_strides
from scaling_search.compare.family import FamilyBudget
from scaling_search.compare.rival_names import OFFICIAL
from scaling_search.compare.rivals import Rival, check_official, check_rivals
from scaling_search.compare.trainings import OWN_RATE
from scaling_search.core.errors import require
from scaling_search.cost.custom_network import custom_network
from scaling_search.cost.user_function import name_of_function
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.latency.job import Regime
from scaling_search.pretrained.initial import Init
from scaling_search.search.gate import Gate
from scaling_search.search.plan import MOST_SEEDS, Rung, SearchPlan
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe

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
        >>> from scaling_search.experiment.study import Comparison
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


@dataclass(frozen=True)
class Study:
    """What to find out: the base network, the images, the budget, the search, the comparison.

    `base` names a network of the zoo, unless `network` holds one as a table of stages, or it is a
    function "module:name" of the user's, which only the command line or the caller can ask for.
    `base_px` is the side of the base network's images (None: the network's own; a function needs
    it); `fit_strides` drops early strides until that side leaves a last feature map of 4 px;
    `init` are weights that every network takes what fits of (None: all begin at random);
    `description` is a sentence for the report's reader.

    Examples:
        >>> from scaling_search import Budget, DataRequest, Study
        >>> images = DataRequest("cifar10", download=True)
        >>> study = Study("mine", base="mini", data=images, budget=Budget("params"))
        >>> study.search.strategy, study.compare.phis, study.recipe.schedule
        ('grid', (0.0, 1.0, 2.0), 'trapezoid')
    """

    name: str
    description: str = ""
    base: str = "micro"
    base_px: int | None = None
    network: Architecture | None = None
    fit_strides: bool = False
    init: Init | None = None
    data: DataRequest = field(default_factory=DataRequest)
    budget: Budget = field(default_factory=Budget)
    space: Space = field(default_factory=Space)
    gate: Gate = field(default_factory=Gate)
    search: SearchPlan = field(default_factory=SearchPlan)
    compare: Comparison = field(default_factory=Comparison)
    recipe: Recipe = field(default_factory=Recipe)
    timing: Timing = field(default_factory=Timing)

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for an unknown network, or pixels that its strides can't take."""
        # The name becomes a directory: it must not lead out of its parent.
        rule = (
            "a study's name is made of letters, digits, '-', '_', '.', a letter or digit at first"
        )
        require(re.fullmatch(r"\w[\w.-]*", self.name) is not None, rule, self.name)
        largest = max(map(abs, self.compare.phis)) * math.log2(self.budget.growth)
        require(largest <= 40, "growth to the power of φ must lie within 2^±40", largest)
        self._check_comparison()
        self._check_init()
        if self.compare.constants is None:
            self._check_space()
        if self.is_function:
            hint = "give the side of its images"
            require(self.base_px is not None, "a network function needs base_px", None, hint)
        else:
            self._table()

    def _check_comparison(self) -> None:
        compare = self.compare
        if OFFICIAL in compare.rivals:
            base = self.base if self.network is None else "a table of one's own"
            check_official(base, compare.phis, self.budget.growth)
        rule = "validation images drawn by a seed of their own are the comparison's"
        drawn = self.data.validation_seed
        require(drawn is None, rule, drawn, "set compare.vary_split = true, or data.split_seed")
        if compare.constants is None:
            self._check_seeds()

    def _check_init(self) -> None:
        rate, scaled = self.recipe.backbone_rate, self.recipe.branch_scale
        if self.init is None:
            rule = "backbone_rate must be 1 where networks begin at random"
            require(
                rate == 1, rule, rate, 'give init = { weights = "torchvision" }, lite or a file'
            )
            return
        rule = "weights are for networks that a table describes"
        require(not self.is_function, rule, self.base, "let the function load them itself")
        rule = "branch_scale must be 'one' where networks begin with weights"
        require(scaled == "one", rule, scaled, "they were trained without")

    def _check_seeds(self) -> None:
        """Raise UserError where the comparison would train from seeds that the search has seen."""
        ours = self.compare.every_seed
        for rung in self.search.rungs:
            last = rung.first_seed + self._most_seeds(rung) - 1
            met = max(ours[0], rung.first_seed) <= min(ours[-1], last)
            rule = f"the comparison's seeds must be new, and a rung's reach {last}"
            require(not met, rule, ours[0], f"set compare.first_seed = {last + 1} or more")

    def _most_seeds(self, rung: Rung) -> int:
        """How many seeds of a rung the search may train one candidate from."""
        if self.search.seeds == "fixed":
            return rung.seeds
        longer = self.search.full_epochs / rung.epochs
        dearer = self.budget.growth ** (self.search.target_phi - rung.phi)
        return math.ceil(float(self.search.until.trainings * longer * dearer))

    def _check_space(self) -> None:
        """No constant may move a network away from the growth that is asked."""
        for name in ("alpha", "beta", "gamma"):
            axis: Axis = getattr(self.space, name)
            side = "1 or above" if self.budget.growth > 1 else "1 or below"
            rule = f"at a growth of {self.budget.growth:g} each axis of the space lies at {side}"
            got = f"{name} from {axis.low:g} to {axis.high:g}"
            require(axis.moves(self.budget.growth), rule, got, f"give [space] another {name}")

    @property
    def asks_latency(self) -> bool:
        """Whether networks must be timed before the search can weigh them."""
        weighed = (self.budget.resource, self.search.second)
        return any(RESOURCES[resource].is_timed for resource in weighed if resource)

    @property
    def is_function(self) -> bool:
        """Whether the base is a function of the user's."""
        return self.network is None and ":" in self.base

    def base_for(self, info: DataInfo) -> Network:
        """The base network, made for these images; runs the user's function where it is one.

        Raises UserError when the function fails or does not fit the images.
        """
        channels, classes = info.channels, len(info.classes)
        if self.is_function:
            px = self.base_px or 0
            return custom_network(
                self.base, resolution_px=px, in_channels=channels, num_classes=classes
            )
        return self._table().fitted(in_channels=channels, num_classes=classes)

    def _table(self) -> Architecture:
        """The base at its side; raises UserError when its strides can't take that."""
        table = zoo.get(self.base) if self.network is None else self.network
        px = self.base_px or table.resolution_px
        if self.fit_strides:
            return fit_strides(table, px).architecture
        return table.fitted(resolution_px=px)


def with_function(study: Study, function: Callable[..., Any] | str) -> Study:
    """The study with a function of the user's, or what "module:name" names, for its base.

    Raises UserError for a function that no name leads to.

    Examples:
        >>> from scaling_search import Study, build
        >>> from scaling_search.experiment.study import with_function
        >>> with_function(Study("mine", base_px=32), build).base
        'scaling_search.nets.build:build'
    """
    name = function if isinstance(function, str) else name_of_function(function)
    return replace(study, base=name, network=None)


def with_images(study: Study, root: str | None, download: bool) -> Study:
    """The study with its images looked for elsewhere; what can be is fetched with `download`.

    Raises UserError where nothing can be.

    Examples:
        >>> from scaling_search import Study
        >>> from scaling_search.experiment.study import with_images
        >>> with_images(Study("mine"), root=None, download=True).data.download
        True
    """
    data, init = replace(study.data, root=root or study.data.root), study.init
    if download and init is not None:
        init = replace(init, download=True)
    if download and (init is None or data.name != "imagefolder"):
        data = replace(data, download=True)
    return replace(study, data=data, init=init)


def with_absolute_paths(study: Study) -> Study:
    """The study that finds its images and weights from whichever folder it is read."""
    return with_paths(study, _absolute)


def with_paths(study: Study, change: Callable[[str], str]) -> Study:
    """The study with each path of its images and weights changed."""
    root, init = study.data.root, study.init
    if root is not None:
        study = with_images(study, change(root), False)
    if init is not None and init.is_file:
        study = replace(study, init=replace(init, weights=change(init.weights)))
    return study


def _absolute(root: str) -> str:
    return os.path.abspath(os.path.expanduser(root))  # noqa: PTH100, PTH111 as text
