"""The networks of a star: a large centre, and one dimension at a time downwards from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from scaling_search.arch.scaling import AXIS_NAMES, AxisName, Coefficients, Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError, require

Score = Literal["loss", "error"]
SCORES: tuple[Score, ...] = get_args(Score)
LEAST_SIZES, LEAST_LENGTHS = 4, 3
MOST_SIZES = 40
_MOST_STEPS = 60  # downwards; a staircase has long treads
POWERS = {"depth": 1.0, "width": 1.0, "resolution": 2.0}
"""Of each dimension's size in MACs."""


@dataclass(frozen=True)
class StarSweep:
    """What is swept: from the base at `phi` downwards by `step` a size, `sizes` of each dimension.

    Each network is trained for each number of `epochs` from `seeds` seeds, and scored on the
    validation images by its cross-entropy (`loss`, the less noisy) or its top-1 `error`. Raises
    UserError for too few sizes or lengths, and for values that are none.

    Examples:
        >>> from scaling_search.star.sweep import StarSweep
        >>> StarSweep(epochs=(2, 4, 8)).sizes
        6
    """

    epochs: tuple[int, ...]
    phi: float = 2.0
    sizes: int = 6
    step: float = 0.8
    seeds: int = 2
    axes: tuple[AxisName, ...] = AXIS_NAMES
    score: Score = "loss"

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        lengths, sizes = len(set(self.epochs)), self.sizes
        rule = f"a star needs {LEAST_LENGTHS} lengths of training, each named once"
        good = lengths == len(self.epochs) >= LEAST_LENGTHS
        require(good, rule, self.epochs, "try --epochs 2,4,8")
        require(min(self.epochs) >= 1, "a training has at least 1 epoch", min(self.epochs))
        rule = f"a star needs {LEAST_SIZES} to {MOST_SIZES} sizes of each dimension"
        require(LEAST_SIZES <= sizes <= MOST_SIZES, rule, sizes, "try --sizes 6")
        require(0.3 <= self.step < 1, "a step down must lie in [0.3, 1)", self.step)
        require(self.seeds >= 1, "a star needs at least 1 seed", self.seeds)
        require(-20 <= self.phi <= 20, "the centre's φ must lie within ±20", self.phi)
        rule = f"dimensions are of {', '.join(AXIS_NAMES)}, two or more, each named once"
        named = len(set(self.axes)) == len(self.axes) >= 2 and set(self.axes) <= set(AXIS_NAMES)
        require(named, rule, ",".join(self.axes))
        require(self.score in SCORES, f"a score is one of {', '.join(SCORES)}", self.score)


@dataclass(frozen=True)
class StarNetwork:
    """A network of one arm of a star, and the size of the dimension that the arm varies."""

    axis: AxisName
    size: float
    network: Architecture


def size_of(network: Architecture, axis: AxisName) -> float:
    """A dimension as built: blocks, the sum of squared channels, or the side in pixels.

    Multipliers are staircases, and these are what was trained.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.star.sweep import size_of
        >>> [size_of(zoo.get("efficientnet-b0"), axis) for axis in ("depth", "width", "resolution")]
        [16.0, 160640.0, 224.0]
    """
    match axis:
        case "depth":
            return float(sum(stage.repeats for stage in network.stages))
        case "width":
            return float(sum(stage.channels**2 for stage in network.stages))
        case "resolution":
            return float(network.resolution_px)


def star_networks(
    base: Architecture, centre: Coefficients, sweep: StarSweep
) -> tuple[StarNetwork, ...]:
    """The networks, arm by arm, each beginning with the centre; distinct sizes alone.

    Raises UserError where a dimension has fewer sizes than are asked for.

    Examples:
        >>> from scaling_search import Coefficients
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.star.sweep import StarSweep, star_networks
        >>> sweep = StarSweep(epochs=(2, 4, 8), sizes=4)
        >>> paper = Coefficients(1.2, 1.1, 1.15)
        >>> star = star_networks(zoo.get("efficientnet-b0"), paper, sweep)
        >>> [each.size for each in star if each.axis == "resolution"]
        [296.0, 237.0, 190.0, 152.0]
    """
    networks = tuple(
        each for axis in sweep.axes for each in _arm(base, centre.at(sweep.phi), axis, sweep)
    )
    for axis in sweep.axes:
        sizes = sum(each.axis == axis for each in networks)
        rule = f"a star needs {sweep.sizes} sizes of each dimension below its centre"
        way_out = f"lower --sizes, raise --phi, take a larger base, or leave {axis} out of --axes"
        require(sizes == sweep.sizes, rule, f"{sizes} of {axis}", way_out)
    return networks


def _arm(
    base: Architecture, centre: Multipliers, axis: AxisName, sweep: StarSweep
) -> list[StarNetwork]:
    arm: list[StarNetwork] = []
    for network in _downwards(base, centre, axis, sweep.step):
        size = size_of(network, axis)
        if not arm or size < arm[-1].size:
            arm.append(StarNetwork(axis, size, network))
        if len(arm) == sweep.sizes:
            break
    return arm


def _downwards(
    base: Architecture, centre: Multipliers, axis: AxisName, step: float
) -> Iterator[Architecture]:
    """The centre, and it with one dimension smaller step by step, until none can be made."""
    for number in range(_MOST_STEPS):
        share = step**number
        times = share**0.5 if axis == "width" else share  # width is Σ channels²
        smaller = {
            name: getattr(centre, name) * (times if name == axis else 1.0) for name in AXIS_NAMES
        }
        try:
            yield scale(base, Multipliers(**smaller))
        except UserError:  # the strides need larger images
            return
