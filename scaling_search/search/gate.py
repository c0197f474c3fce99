"""Whether a proxy is fit to answer: what growing one axis does there, before a search is believed.

An axis that makes a network worse, a network near chance, one that is still learning fast when its
training ends, a last feature map of one or two pixels: each bends every constant that a search
finds under such a recipe, and none of them shows in the constants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from scaling_search.core.errors import require
from scaling_search.jobs.result import Finished, Result

_BASE = "base"
NEAR_CHANCE = 0.1
STILL_FALLING = 0.25
P_WORSE = 0.05
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True)
class Gate:
    """How many seeds of the base and of each axis grown alone are trained before a search.

    They are trained as long as the search's last rung, from seeds 0, 1, …, and at the budget's
    growth. With 0 there is no gate.
    """

    seeds: int = 2

    __pydantic_config__: ClassVar[dict[str, Any]] = _STRICT

    def __post_init__(self) -> None:
        """Raise UserError for fewer than 0 seeds, or a single one, which shows no scatter."""
        rule = "a gate has 0 seeds (there is none) or 2 to 100"
        require(self.seeds == 0 or 2 <= self.seeds <= 100, rule, self.seeds)


@dataclass(frozen=True)
class GateFinding:
    """One thing that speaks against the proxy, and what to do about it."""

    fault: str
    remedy: str

    @property
    def sentence(self) -> str:
        """Both in one line."""
        return f"{self.fault}: {self.remedy}."


def gate_findings(
    trained: Mapping[str, tuple[Result, ...]], classes: int, last_map_px: int | None
) -> tuple[GateFinding, ...]:
    """What speaks against the proxy; nothing when it may be believed.

    `trained` are the results of "base" and of "depth", "width", "resolution" grown alone;
    `last_map_px` is the side of the base's last feature map (None: unknown).

    Examples:
        >>> from scaling_search.search.gate import gate_findings
        >>> for finding in gate_findings({}, classes=10, last_map_px=1):
        ...     print(finding.remedy)
        set fit_strides = true, or a larger base_px
    """
    finished = {
        name: tuple(each for each in results if isinstance(each, Finished))
        for name, results in trained.items()
    }
    return (
        *_small_map(last_map_px),
        *_not_finished(trained, finished),
        *_near_chance(finished, classes),
        *_still_falling(finished),
        *_below_base(finished),
    )


def _small_map(last_map_px: int | None) -> Iterator[GateFinding]:
    # Networks for CIFAR end at 4 px or more (arXiv 1512.03385, section 4.2).
    if last_map_px is not None and last_map_px < 4:
        yield GateFinding(
            f"the base ends in a map of {last_map_px} px, less than 4, which favours resolution",
            "set fit_strides = true, or a larger base_px",
        )


def _not_finished(
    trained: Mapping[str, tuple[Result, ...]], finished: Mapping[str, tuple[Finished, ...]]
) -> Iterator[GateFinding]:
    for name, results in trained.items():
        failed = len(results) - len(finished[name])
        if failed:
            fault = f"{failed} of {len(results)} trainings of {_words(name)} came to no end"
            yield GateFinding(fault, "read why in the report, and lower the rate if they diverged")


def _near_chance(
    finished: Mapping[str, tuple[Finished, ...]], classes: int
) -> Iterator[GateFinding]:
    chance = 1 / classes
    least = chance + NEAR_CHANCE * (1 - chance)
    for name, results in finished.items():
        top1 = _mean([each.validation_top1 for each in results])
        if top1 < least:
            yield GateFinding(
                f"{_words(name)} is near chance ({top1:.1%}, chance is {chance:.1%})",
                "train on more images, for more epochs, or at another rate",
            )


def _still_falling(finished: Mapping[str, tuple[Finished, ...]]) -> Iterator[GateFinding]:
    for name, results in finished.items():
        losses = _mean_losses(results)
        fall = losses[0] - losses.min() if len(losses) > 1 else 0.0
        last = losses[-2] - losses[-1] if len(losses) > 1 else 0.0
        if fall > 0 and last > STILL_FALLING * fall:
            yield GateFinding(
                f"{_words(name)} is still learning fast at its end ({last / fall:.0%} of all that "
                f"its validation loss fell, it fell in the last of {len(losses)} epochs)",
                "train for more epochs",
            )


def _below_base(finished: Mapping[str, tuple[Finished, ...]]) -> Iterator[GateFinding]:
    base = finished.get(_BASE, ())
    grown = {name: results for name, results in finished.items() if name != _BASE and results}
    if not base:
        return
    for name, results in grown.items():
        top1 = _worse([_top1s(each) for each in finished.values()], _top1s(base), _top1s(results))
        loss = _worse(
            [_losses(each, -1) for each in finished.values()],
            _losses(base, -1),
            _losses(results, -1),
        )
        lower = _mean(_top1s(results)) < _mean(_top1s(base))
        if lower and min(top1, loss) < P_WORSE:
            points = 100 * (_mean(_top1s(base)) - _mean(_top1s(results)))
            yield GateFinding(
                f"{name} alone, at more cost, is worse than the base by {points:.1f} points",
                "the recipe does not suit it: check residual_init, the rate and the epochs",
            )


def _worse(groups: list[list[float]], base: list[float], grown: list[float]) -> float:
    """The one-sided p value of a t test that `grown` lies below `base`, scatter pooled over all."""
    freedom = sum(len(group) - 1 for group in groups if group)
    squares = sum(float(np.var(group)) * len(group) for group in groups if group)
    if freedom < 1 or squares == 0:
        return 1.0
    error = (squares / freedom * (1 / len(base) + 1 / len(grown))) ** 0.5
    return float(stats.t.cdf((_mean(grown) - _mean(base)) / error, freedom))


def _top1s(results: tuple[Finished, ...]) -> list[float]:
    return [each.validation_top1 for each in results]


def _losses(results: tuple[Finished, ...], sign: float) -> list[float]:
    return [sign * each.validation.loss for each in results]


def _mean_losses(results: tuple[Finished, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = [[epoch.validation_loss for epoch in each.history] for each in results]
    return np.mean(rows, axis=0) if rows else np.zeros(0)


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("inf")


def _words(name: str) -> str:
    return "the base" if name == _BASE else f"{name} alone"
