"""The law of each method of one or more runs, what it leaves open, and whether it predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.compare.methods import in_words
from scaling_search.core.errors import UserError, require
from scaling_search.law.fit import PARAMETERS, Law, fit_law
from scaling_search.law.intervals import Range, error_range, exponent_range, floor_range, next_range
from scaling_search.law.sizes import Sizes

LEAST_SIZES = PARAMETERS + 1
LAW_REACH = 4.0
"""So many times the largest size measured a law is followed, and no further (arXiv 2603.07365:
exponents of small networks fall as they grow).
"""


@dataclass(frozen=True)
class PredictedError:
    """An error at a size that nothing was measured at, by the law, and its 95 % interval."""

    macs: float
    error: float
    range: Range


@dataclass(frozen=True)
class HeldOut:
    """The largest network, predicted by the others: where its mean error was to be expected, with
    95 %, and where it was.
    """

    predicted: PredictedError
    measured: float

    @property
    def miss(self) -> float:
        """Measured less predicted."""
        return self.measured - self.predicted.error

    @property
    def holds(self) -> bool:
        """Whether it came within its interval."""
        return self.predicted.range.holds(self.measured)


@dataclass(frozen=True)
class FittedLaw:
    """A method's law: `exponent` and `floor` are the ranges of c and ε∞ in 95 % intervals, the
    latter None for M4.

    `held_out` is None where too few sizes would be left.
    """

    sizes: Sizes
    law: Law
    exponent: Range
    floor: Range | None
    held_out: HeldOut | None
    predicted: tuple[PredictedError, ...]

    @property
    def largest(self) -> int:
        """The MACs of the largest network measured."""
        return self.sizes.macs[-1]


def laws(every: Sequence[Sizes], macs: Sequence[float] = ()) -> tuple[FittedLaw, ...]:
    """The law of each of these that has sizes enough, and errors predicted at these MACs.

    At 2 and 4 times the largest where none are named. Raises UserError where none has sizes
    enough, and for MACs beyond 4 times the largest size that was measured, or below the smallest.

    Examples:
        >>> from scaling_search.law.laws import laws
        >>> from scaling_search.law.sizes import Sizes
        >>> macs = (1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000)
        >>> errors = tuple(0.1 + 0.3 * (each / 1e6) ** -0.5 for each in macs)
        >>> sizes = Sizes("my run", "compound", macs, errors, (1.0,) * 5, (3,) * 5, chance=0.9)
        >>> [law] = laws([sizes], macs=[32e6])
        >>> round(law.predicted[0].error, 3)
        0.153
    """
    enough = [each for each in every if len(each.macs) >= LEAST_SIZES]
    if not enough:
        most = max((len(each.macs) for each in every), default=0)
        raise UserError(
            f"a law needs networks of {LEAST_SIZES} sizes of a method, got {most}: compare at more "
            'φ, such as compare.phis = "law", or name further runs of the same images'
        )
    for size in macs:
        _require_reach(enough, size)
    return tuple(_fitted(each, macs) for each in enough)


def too_few(every: Sequence[Sizes]) -> tuple[str, ...]:
    """Which methods are left out, in words.

    Examples:
        >>> from scaling_search.law.laws import too_few
        >>> from scaling_search.law.sizes import Sizes
        >>> macs, errors = (1_000_000, 2_000_000), (0.40, 0.31)
        >>> too_few([Sizes("my run", "width", macs, errors, (1.0,) * 2, (3,) * 2, chance=0.9)])
        ('width alone has 2 sizes, a law needs 4',)
    """
    return tuple(
        f"{in_words(each.method)} has {len(each.macs)} sizes, a law needs {LEAST_SIZES}"
        for each in every
        if len(each.macs) < LEAST_SIZES
    )


def _fitted(sizes: Sizes, macs: Sequence[float]) -> FittedLaw:
    data, chance = sizes.data, sizes.chance if sizes.is_near_chance else None
    law = fit_law(*data, chance)
    at = macs or [2 * sizes.macs[-1], LAW_REACH * sizes.macs[-1]]
    predicted = tuple(PredictedError(m, law.error(m), error_range(law, data, m)) for m in at)
    ranges = exponent_range(law, data), floor_range(law, data)
    return FittedLaw(sizes, law, *ranges, _held_out(sizes, chance), predicted)


def _held_out(sizes: Sizes, chance: float | None) -> HeldOut | None:
    if len(sizes.macs) - 1 < LEAST_SIZES:
        return None
    data, size = sizes.without_largest, float(sizes.macs[-1])
    law = fit_law(*data, chance)
    expected = next_range(law, data, size, sizes.weights[-1])
    return HeldOut(PredictedError(size, law.error(size), expected), sizes.errors[-1])


def _require_reach(every: Sequence[Sizes], size: float) -> None:
    smallest = max(each.macs[0] for each in every)
    largest = min(each.macs[-1] for each in every)
    rule = (
        f"a law is followed from the smallest network measured to {LAW_REACH:g} times the largest, "
        f"{smallest:.3g} to {LAW_REACH * largest:.3g} MACs"
    )
    require(smallest <= size <= LAW_REACH * largest, rule, size, "ask for less, or measure nearer")
