"""From cost to time: which of MACs and activations explains latency, on one device.

Compound scaling grows both together, so networks of one family can't tell them apart; `variants`
adds networks that grow in one dimension alone. What is fitted on one device says nothing of
another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from scipy import stats

from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.core.stats import Floats, paired_difference

GrowthWay = str
"""How a network grew: "base" (it did not), one dimension's name, "compound", or another way's."""
Feature = Literal["macs", "activations"]
Winner = Literal["macs", "activations", "neither"]

LEAST_POINTS = 6
# Above this correlation the two rise together, whichever fits a little better.
COLLINEAR = 0.98


@dataclass(frozen=True)
class TimedNetwork:
    """One timed network: multiply-adds and convolution outputs of one image, time per image."""

    network: str
    axis: GrowthWay
    macs: int
    activations: int
    latency_ms: float


@dataclass(frozen=True)
class PowerLaw:
    """latency = factor_ms · Π feature^exponent, with 95 % intervals of the exponents.

    `held_out_percent` is the typical (root mean square) miss on networks that were left out, a
    whole direction of growth at a time; `errors` are those misses, one a point, as logarithms.
    """

    features: tuple[Feature, ...]
    factor_ms: float
    exponents: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    held_out_percent: float
    errors: tuple[float, ...]


@dataclass(frozen=True)
class LatencyModel:
    """What explains time on `machine` under `recipe`, and on what evidence."""

    machine: str
    recipe: str
    n: int
    correlation: float
    macs: PowerLaw
    activations: PowerLaw
    both: PowerLaw
    winner: Winner

    @property
    def sentence(self) -> str:
        """The finding in words, with its numbers."""
        held = (
            f"held-out error {self.macs.held_out_percent:.1f} % by MACs, "
            f"{self.activations.held_out_percent:.1f} % by activations, "
            f"{self.both.held_out_percent:.1f} % by both, {self.n} networks, {self.recipe}"
        )
        return f"On {self.machine}, {self._finding} ({held})."

    @property
    def _finding(self) -> str:
        match self.winner:
            case "macs":
                return "MACs explain time better than activations"
            case "activations":
                return "activations explain time better than MACs"
            case "neither":
                together = abs(self.correlation) > COLLINEAR
                why = ": on these networks the two rise together" if together else ""
                return f"neither MACs nor activations is shown to explain time better{why}"
            case _:
                assert_never(self.winner)


def variants(
    base: Architecture, growths: Sequence[float] = (1.5, 2.0, 3.0, 4.0)
) -> tuple[tuple[GrowthWay, Architecture], ...]:
    """The base, and networks of about these MACs, grown in one dimension or by the paper's rule.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.cost.latency_model import variants
        >>> base, *grown = variants(zoo.get("resnet-18"), growths=[2.0])
        >>> [(way, round(count(network).macs / count(base[1]).macs, 1)) for way, network in grown]
        [('depth', 2.0), ('width', 1.9), ('resolution', 2.0), ('compound', 2.7)]
    """
    networks: list[tuple[GrowthWay, Architecture]] = [("base", base)]
    for growth in growths:
        phi = math.log(growth) / math.log(PAPER_CONSTANTS.nominal_growth)
        side = math.sqrt(growth)
        grown: dict[GrowthWay, Multipliers] = {
            "depth": Multipliers(depth=growth),
            "width": Multipliers(width=side),
            "resolution": Multipliers(resolution=side),
            "compound": PAPER_CONSTANTS.at(phi),
        }
        networks += [(axis, scale(base, by)) for axis, by in grown.items()]
    return tuple(networks)


def explain(points: Sequence[TimedNetwork], machine: str, recipe: str) -> LatencyModel:
    """Fit time by MACs, by activations and by both; raises UserError below six networks.

    One of them wins if its misses on what was left out are smaller, by a paired t test at 5 %.

    Examples:
        >>> from scaling_search.cost.latency_model import TimedNetwork, explain
        >>> sizes = [(1, 8), (2, 3), (4, 9), (8, 2), (16, 7), (32, 5)]
        >>> timed = [TimedNetwork(str(a), "base", a, b, latency_ms=0.5 * b) for a, b in sizes]
        >>> model = explain(timed, "a made-up machine", "one image at a time")
        >>> round(model.activations.exponents[0], 2), model.winner
        (1.0, 'activations')
    """
    rule = f"a fit of time needs at least {LEAST_POINTS} networks"
    require(len(points) >= LEAST_POINTS, rule, len(points))
    logs = np.log([(p.macs, p.activations) for p in points])
    by_macs, by_activations = (_fit(points, (feature,)) for feature in ("macs", "activations"))
    return LatencyModel(
        machine=machine,
        recipe=recipe,
        n=len(points),
        correlation=float(np.corrcoef(logs.T)[0, 1]),
        macs=by_macs,
        activations=by_activations,
        both=_fit(points, ("macs", "activations")),
        winner=_winner(by_macs, by_activations),
    )


def _fit(points: Sequence[TimedNetwork], features: tuple[Feature, ...]) -> PowerLaw:
    x = np.array([[1.0, *(math.log(getattr(p, f)) for f in features)] for p in points])
    y = np.log([p.latency_ms for p in points])
    weights, halves = _least_squares(x, y)
    errors = _held_out(x, y, [p.axis for p in points])
    return PowerLaw(
        features,
        math.exp(weights[0]),
        tuple(map(float, weights[1:])),
        tuple(map(float, weights[1:] - halves[1:])),
        tuple(map(float, weights[1:] + halves[1:])),
        100 * math.expm1(math.sqrt(float(np.mean(errors**2)))),
        tuple(map(float, errors)),
    )


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The weights, and half the width of their 95 % intervals."""
    weights = np.asarray(np.linalg.lstsq(x, y)[0], dtype=np.float64)
    freedom = len(y) - x.shape[1]
    variance = float(np.sum((y - x @ weights) ** 2)) / freedom
    errors: Floats = np.sqrt(variance * np.diag(np.linalg.pinv(x.T @ x)))
    return weights, float(stats.t.ppf(0.975, freedom)) * errors


def _held_out(x: Floats, y: Floats, axes: Sequence[GrowthWay]) -> Floats:
    """The misses on each direction of growth by a fit to the others; with one, on each point."""
    groups = np.array(axes) if len(set(axes)) > 2 else np.arange(len(y))
    errors = np.empty_like(y)
    for group in np.unique(groups):
        out = groups == group
        weights = np.linalg.lstsq(x[~out], y[~out])[0]
        errors[out] = y[out] - x[out] @ weights
    return errors


def _winner(by_macs: PowerLaw, by_activations: PowerLaw) -> Winner:
    misses = [dict(enumerate(map(abs, law.errors))) for law in (by_macs, by_activations)]
    difference = paired_difference(misses[0], misses[1])
    if difference.verdict == "better":  # MACs miss by more
        return "activations"
    return "macs" if difference.verdict == "worse" else "neither"
