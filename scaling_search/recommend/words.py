"""A recommendation in sentences, as plain values, and as the study that trains it."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from scaling_search.arch.scaling import Coefficients
from scaling_search.arch.spec import Architecture
from scaling_search.compare.contrasts import Estimate
from scaling_search.compare.methods import BASE, in_words
from scaling_search.core.errors import UserError
from scaling_search.core.stats import verdict_of
from scaling_search.experiment.comparison import Comparison
from scaling_search.experiment.study import Study
from scaling_search.recommend.goal import spelled
from scaling_search.recommend.options import NetworkOption
from scaling_search.recommend.recommendation import COUNTED, Recommendation

_SAME = 0.005  # costs as near as this are called the same
_SHORT = {"macs": "MACs", "params": "parameters", "memory": "memory", "latency_ms": "time"}


def recommendation_sentences(recommendation: Recommendation) -> tuple[str, ...]:
    """What to use, what to expect of it, on what that rests, and what comes next."""
    best = recommendation.best
    lines = [_which(recommendation), _expect(best), _rests(recommendation), _next(recommendation)]
    lines.append(
        "Networks are chosen by validation accuracy; what to expect is on test images, which chose "
        "nothing."
    )
    return tuple(lines)


def recommendation_values(recommendation: Recommendation) -> dict[str, object]:
    """The same as plain values; accuracies in percent, differences in points."""
    gap = recommendation.difference
    return {
        "asked": recommendation.asked,
        "best": _option(recommendation.best),
        "runner_up": None
        if recommendation.runner_up is None
        else _option(recommendation.runner_up),
        "difference_points": None if gap is None else _number(gap.value),
        "difference_low_points": None if gap is None else _number(gap.low),
        "difference_high_points": None if gap is None else _number(gap.high),
        "p_value": None if gap is None else _number(gap.p_value),
        "miss_points": _number(recommendation.miss),
    }


def study_of(recommendation: Recommendation) -> Study:
    """A study that trains the best network alone: as the run did, from seeds that it did not use.

    Raises UserError for a network that no table describes.
    """
    study, network = (
        recommendation.comparison.experiment.study,
        recommendation.best.member.architecture,
    )
    if not isinstance(network, Architecture):
        raise UserError(
            "a network that is trained by itself needs a table of stages, "
            f"got {network.name!r}: compare at its φ in the run's study"
        )
    init, initial = study.init, recommendation.comparison.experiment.initial
    if init is not None and initial is not None:
        init = replace(init, source=initial.source)
    given = study.compare
    compare = Comparison(
        (0.0,),
        rivals=(),
        epochs=given.epochs,
        seeds=given.seeds,
        first_seed=given.every_seed[-1] + 1,
        vary_split=given.vary_split,
        check_rates=given.check_rates,
        constants=Coefficients(1, 1, 1),
    )
    return replace(
        study,
        name=name_of_study(recommendation),
        description=f"{network.name}, recommended for {recommendation.asked}.",
        base=network.name,
        network=network,
        base_px=network.resolution_px,
        fit_strides=False,
        init=init,
        recipe=study.recipe.at_phi(recommendation.best.phi),
        compare=compare,
    )


def name_of_study(recommendation: Recommendation) -> str:
    """A name that is a directory's as well: cifar10-compound-1.5."""
    best = recommendation.best
    grown = best.method if best.method == BASE else f"{best.method}-{best.phi:g}"
    return re.sub(r"[^\w.-]", "-", f"{recommendation.comparison.experiment.study.name}-{grown}")


def title(option: NetworkOption) -> str:
    """A network as a sentence names it: compound scaling at φ = 1.5."""
    words = in_words(option.method)
    return words if option.method == BASE else f"{words} at φ = {option.phi:g}"


def _which(recommendation: Recommendation) -> str:
    member, costs = recommendation.best.member, recommendation.best.costs
    m = member.multipliers
    sizes = ", ".join(spelled(name, value) for name, value in costs.items())
    resource = recommendation.comparison.experiment.study.budget.resource
    return (
        f"For {recommendation.asked}: {title(recommendation.best)}: "
        f"depth × {m.depth:.2f}, width × {m.width:.2f}, "
        f"{member.architecture.resolution_px} px; {sizes}; {member.growth:.2f} × the base's "
        f"{_SHORT.get(resource, resource)}."
    )


def _expect(option: NetworkOption) -> str:
    e = option.expected
    if math.isnan(e.low):
        return f"Expect {e.value:.1f} % test top-1 (single trainings: there is no interval)."
    return (
        f"Expect {e.value:.1f} % test top-1 [{e.low:.1f}, {e.high:.1f}] on average; single "
        f"trainings of it scatter by {option.one_sd:.1f} points (standard deviation)."
    )


def _rests(recommendation: Recommendation) -> str:
    option = recommendation.best
    if option.standing == "measured":
        noun = "training" if option.n == 1 else "trainings"
        return f"That is measured, by {option.n} {noun} of this very network."
    beyond = (
        "between networks of its method that were trained"
        if option.standing == "interpolated"
        else "beyond the networks of its method that were trained, where the law may bend"
    )
    missed = (
        ""
        if math.isnan(recommendation.miss)
        else f"; such lines missed networks in between by {recommendation.miss:.1f} points"
    )
    return (
        f"That is {option.standing}, along a line in the logarithm of the cost, {beyond}{missed}."
    )


def _next(recommendation: Recommendation) -> str:
    second, gap = recommendation.runner_up, recommendation.difference
    if second is None or gap is None:
        return "There is no runner-up: no network of another method fits."
    expected = second.expected.value
    verdict = {
        "better": "shown to be better",
        "worse": "shown to be worse, on test images",
    }.get(verdict_of(gap.value, gap.p_value), "no difference found")
    return (
        f"Runner-up: {title(second)} ({second.standing}), {expected:.1f} % expected. Against "
        f"it the first makes {_points(gap)} points: {verdict}. The runner-up needs "
        f"{_compared_costs(second, recommendation.best)}."
    )


def _points(gap: Estimate) -> str:
    if math.isnan(gap.low):
        return f"{gap.value:+.1f}"
    return f"{gap.value:+.1f} [{gap.low:+.1f}, {gap.high:+.1f}]"


def _compared_costs(option: NetworkOption, other: NetworkOption) -> str:
    parts = []
    for name in (*COUNTED, "latency_ms"):
        if name in option.costs and name in other.costs:
            ratio = option.costs[name] / other.costs[name] - 1
            more = "more" if ratio > 0 else "less"
            same = abs(ratio) < _SAME
            parts.append(
                f"the same {_SHORT[name]}" if same else f"{abs(ratio):.0%} {more} {_SHORT[name]}"
            )
    return ", ".join(parts).replace("%", " %")


def _option(option: NetworkOption) -> dict[str, object]:
    m, e = option.member.multipliers, option.expected
    return {
        **{"method": option.method, "phi": option.phi, "network": option.member.architecture.name},
        **{"depth": m.depth, "width": m.width, "resolution": m.resolution},
        "px": option.member.architecture.resolution_px,
        **{"growth": option.member.growth, **option.costs},
        "test_top1_percent": _number(e.value),
        "test_low_percent": _number(e.low),
        "test_high_percent": _number(e.high),
        "one_sd_points": _number(option.one_sd),
        "validation_top1_percent": _number(option.validation),
        **{"standing": option.standing, "n": option.n},
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
