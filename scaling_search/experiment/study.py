"""A study: the one frozen description of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.arch.strides import fit_strides
from scaling_search.compare.rival_names import OFFICIAL
from scaling_search.compare.rivals import check_official
from scaling_search.core.errors import require
from scaling_search.cost.custom_network import custom_network
from scaling_search.cost.user_function import name_of_function
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.experiment.comparison import Comparison, Timing
from scaling_search.experiment.study_checks import (
    check_beginning,
    check_phis,
    check_seeds,
    check_space,
    check_split,
)
from scaling_search.pretrained.initial import Init
from scaling_search.search.gate import Gate
from scaling_search.search.plan import SearchPlan
from scaling_search.search.resources import RESOURCES
from scaling_search.search.space import Budget, Space
from scaling_search.training.recipe import Recipe

_STRICT = {"extra": "forbid"}


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
        check_phis(self.compare, self.budget)
        if OFFICIAL in self.compare.rivals:
            base = self.base if self.network is None else "a table of one's own"
            check_official(base, self.compare.phis, self.budget.growth)
        check_split(self.data)
        check_beginning(self.recipe, self.init, self.base if self.is_function else None)
        if self.compare.constants is None:
            check_seeds(self.compare, self.search, self.budget)
            check_space(self.space, self.budget)
        if self.is_function:
            hint = "give the side of its images"
            require(self.base_px is not None, "a network function needs base_px", None, hint)
        else:
            self._table()

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
