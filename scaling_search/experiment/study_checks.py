"""What the parts of a study ask of each other; each raises UserError where they don't fit."""

from __future__ import annotations

import math

from scaling_search.core.errors import require
from scaling_search.data.request import DataRequest
from scaling_search.experiment.comparison import Comparison
from scaling_search.pretrained.initial import Init
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe


def check_phis(compare: Comparison, budget: Budget) -> None:
    """No network may grow or shrink beyond what can be computed with."""
    largest = max(map(abs, compare.phis)) * math.log2(budget.growth)
    require(largest <= 40, "growth to the power of φ must lie within 2^±40", largest)


def check_split(data: DataRequest) -> None:
    """The seed of the validation images is not the study's own to give."""
    rule = "validation images drawn by a seed of their own are the comparison's"
    seed = data.validation_seed
    require(seed is None, rule, seed, "set compare.vary_split = true, or data.split_seed")


def check_beginning(recipe: Recipe, init: Init | None, function: str | None) -> None:
    """The recipe must suit what networks begin with; `function` is a base of the user's own."""
    rate, scaled = recipe.backbone_rate, recipe.branch_scale
    if init is None:
        rule = "backbone_rate must be 1 where networks begin at random"
        require(rate == 1, rule, rate, 'give init = { weights = "torchvision" }, lite or a file')
        return
    rule = "weights are for networks that a table describes"
    require(function is None, rule, function, "let the function load them itself")
    rule = "branch_scale must be 'one' where networks begin with weights"
    require(scaled == "one", rule, scaled, "they were trained without")


def check_seeds(compare: Comparison, search: SearchPlan, budget: Budget) -> None:
    """The comparison may not train from seeds that the search has seen."""
    ours = compare.every_seed
    for rung in search.rungs:
        last = rung.first_seed + _most_seeds(rung, search, budget) - 1
        met = max(ours[0], rung.first_seed) <= min(ours[-1], last)
        rule = f"the comparison's seeds must be new, and a rung's reach {last}"
        require(not met, rule, ours[0], f"set compare.first_seed = {last + 1} or more")


def _most_seeds(rung: Rung, search: SearchPlan, budget: Budget) -> int:
    """How many seeds of a rung the search may train one candidate from."""
    if search.seeds == "fixed":
        return rung.seeds
    longer = search.full_epochs / rung.epochs
    dearer = budget.growth ** (search.target_phi - rung.phi)
    return math.ceil(float(search.until.trainings * longer * dearer))


def check_space(space: Space, budget: Budget) -> None:
    """No constant may move a network away from the growth that is asked."""
    for name in ("alpha", "beta", "gamma"):
        axis: Axis = getattr(space, name)
        side = "1 or above" if budget.growth > 1 else "1 or below"
        rule = f"at a growth of {budget.growth:g} each axis of the space lies at {side}"
        got = f"{name} from {axis.low:g} to {axis.high:g}"
        require(axis.moves(budget.growth), rule, got, f"give [space] another {name}")
