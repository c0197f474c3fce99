"""The network to use: the most accurate within limits, or the cheapest that is accurate enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scaling_search.compare.contrasts import Estimate
from scaling_search.compare.family import Member
from scaling_search.compare.methods import Method, in_words, listed
from scaling_search.core.errors import UserError, require
from scaling_search.experiment.run_comparison import RunComparison
from scaling_search.recommend.goal import Limits, spelled
from scaling_search.recommend.options import LINE_REACH, NetworkOption, Options

_HALVINGS = 12  # of the range of costs: to a fifth of a percent
_STEPS = 48
# So little below its limit a network that was trained is taken before one that wasn't.
NEAR = 1.06
COUNTED = ("macs", "params", "memory")


@dataclass(frozen=True, eq=False)
class Recommendation:
    """`best` and, of the other methods, `runner_up` (None: there is no other).

    `difference` is best - runner-up in test top-1, in points; `asked` what was asked in words;
    `miss` how far, in points, reading between networks missed those in between (nan: unknown).
    """

    comparison: RunComparison
    best: NetworkOption
    runner_up: NetworkOption | None
    difference: Estimate | None
    asked: str
    miss: float


def within(
    comparison: RunComparison, limits: Limits, method: Method | None = None
) -> Recommendation:
    """The network of the highest validation accuracy among each method's largest within limits.

    `method` restricts it to one. Raises UserError where no network is small enough, where the
    limits lie so far beyond what was measured that nothing is known, and for a limit of time
    without a timing.
    """
    require(bool(limits.given), "a recommendation needs a limit or an accuracy", "neither")
    options = Options(comparison)
    if limits.latency_ms is not None:
        _require_times(options, limits.latency_ms)
    methods = _methods(options, method)
    largest = {name: _largest(options, name, limits) for name in methods}
    if all(_fits_beyond(options, name, limits) for name in methods):
        raise UserError(_too_far(options, methods, limits))
    there = [member for member in largest.values() if member is not None]
    if not there:
        raise UserError(_too_small(options, methods, limits))
    there.sort(key=lambda member: -options.chosen_by(member))
    return _ranked(options, there, limits.words)


def reaching(
    comparison: RunComparison, percent: float, method: Method | None = None
) -> Recommendation:
    """The smallest network that is expected to reach a test top-1 in percent.

    The method is `method`, or the one that gets there at the least cost by validation accuracy
    (which lies above test accuracy by as much as it does over all networks); the runner-up is the
    next. Raises UserError where none within reach gets there.
    """
    options = Options(comparison)
    methods = _methods(options, method)
    smallest = {name: _smallest(options, name, percent, options.expected) for name in methods}
    apart = _above_test(options)
    chosen = {
        name: _smallest(options, name, percent + apart, options.chosen_by) for name in methods
    }
    by_cost = sorted(methods, key=lambda name: each.growth if (each := chosen[name]) else math.inf)
    there = [member for name in by_cost if (member := smallest[name]) is not None]
    if not there:
        raise UserError(_too_high(options, methods, percent))
    return _ranked(options, there, f"at least {percent:g} % test top-1")


def _ranked(options: Options, there: Sequence[Member], goal: str) -> Recommendation:
    best = options.option(there[0])
    rivals = [each for each in there[1:] if each.architecture != there[0].architecture]
    second = options.option(rivals[0]) if rivals else None
    gap = None if second is None else options.difference(best, second)
    return Recommendation(options.comparison, best, second, gap, goal, options.miss)


def _methods(options: Options, method: Method | None) -> tuple[Method, ...]:
    require(bool(options.methods), "a run must have compared a family", "the base alone")
    if method is None:
        return options.methods
    require(method in options.methods, f"method must be of {', '.join(options.methods)}", method)
    return (method,)


def _largest(options: Options, method: Method, limits: Limits) -> Member | None:
    """The method's largest network within the limits; one that was trained if nearly as large."""
    fitting = [each for each in options.measured(method) if options.costs.fits(each, limits)]
    trained = max(fitting, key=_growth, default=None)
    if _fits_beyond(options, method, limits):
        return trained
    low, high = map(math.log, options.ends(method))
    largest = trained
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        member = options.at(method, math.exp(middle))
        if member is not None and options.costs.fits(member, limits):
            low = middle
            largest = member if largest is None or member.growth > largest.growth else largest
        else:
            high = middle
    if largest is None or trained is None:
        return largest
    return trained if largest.growth <= NEAR * trained.growth else largest


def _above_test(options: Options) -> float:
    """By how many points validation accuracy lies above test accuracy, over all networks."""
    networks, validation = options.test, options.validation
    gaps = [
        validation.mean({index: 1.0}) - networks.mean({index: 1.0})
        for index in range(len(networks.samples))
    ]
    return sum(gaps) / len(gaps)


def _smallest(
    options: Options, method: Method, percent: float, read: Callable[[Member], float]
) -> Member | None:
    """The method's smallest network at which this accuracy is reached; by rising cost."""
    low, high = map(math.log, options.ends(method))
    for step in range(_STEPS + 1):
        member = options.at(method, math.exp(low + (high - low) * step / _STEPS))
        if member is not None and read(member) >= percent:
            trained = [
                each
                for each in options.measured(method)
                if read(each) >= percent and each.growth <= NEAR * member.growth
            ]
            return min(trained, key=_growth, default=member)
    return None


def _fits_beyond(options: Options, method: Method, limits: Limits) -> bool:
    """Whether even the largest network that a method can be followed to keeps to the limits."""
    member = options.at(method, options.ends(method)[1])
    return member is not None and options.costs.fits(member, limits)


def _growth(member: Member) -> float:
    return member.growth


def _require_times(options: Options, most: float) -> None:
    times = options.costs.times_ms
    rule = "a limit of time needs networks that were timed"
    require(bool(times), rule, "none", "set timing.seconds in the study and run it again")
    longest = max(times.values())
    rule = f"the longest time measured is {longest:.3g} ms, and nothing is known far beyond it"
    require(
        most <= LINE_REACH * longest, rule, most, "lower --latency-ms, or compare at a larger φ"
    )


def _extreme(
    options: Options, methods: Sequence[Method], pick: Callable[..., float], name: str
) -> str:
    every = [each for method in methods for each in options.measured(method)]
    costs = [cost for each in every if (cost := options.costs.cost(each, name)) is not None]
    return spelled(name, pick(costs))


def _too_far(options: Options, methods: Sequence[Method], limits: Limits) -> str:
    sizes = [_extreme(options, methods, max, name) for name in limits.given]
    growth = options.comparison.experiment.study.budget.growth
    base = next(each for each in options.measured(methods[0]) if each.phi == 0)
    times = min(
        most / cost
        for name, most in limits.given.items()
        if (cost := options.costs.cost(base, name)) is not None
    )
    phi = math.log(times) / math.log(growth)
    return (
        f"the largest networks measured have {listed(sizes)}, and a line is followed to "
        f"{LINE_REACH:g} times that and no further, got {limits.words}: lower it, or compare up to "
        f"φ = {phi:.1f}"
    )


def _too_small(options: Options, methods: Sequence[Method], limits: Limits) -> str:
    sizes = [_extreme(options, methods, min, name) for name in limits.given]
    return (
        f"the smallest networks measured have {listed(sizes)}, and a line is followed to "
        f"1/{LINE_REACH:g} of that and no further, got {limits.words}: raise it, or compare at a "
        "negative φ"
    )


def _too_high(options: Options, methods: Sequence[Method], percent: float) -> str:
    reached = {}
    for name in methods:
        every = [*options.measured(name), options.at(name, options.ends(name)[1])]
        reached[name] = max(options.expected(each) for each in every if each is not None)
    best = max(reached, key=lambda name: reached[name])
    return (
        f"up to {LINE_REACH:g} times the largest network measured {reached[best]:.1f} % test top-1 "
        f"is the most to expect, with {in_words(best)}, got {percent:g} %: ask for less, or train "
        "for longer"
    )
