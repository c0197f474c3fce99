"""What a network must keep to, or reach: limits of cost, or an accuracy."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields

from scaling_search.core.errors import UserError, require

_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([kKMGT]?)B?")


@dataclass(frozen=True)
class Limits:
    """The most that one image may cost at inference; None: no limit.

    `memory` is in bytes at the peak, weights among them. Raises UserError for what isn't above 0.

    Examples:
        >>> from scaling_search.recommend.goal import Limits
        >>> Limits(macs=400e6, latency_ms=5.0).params is None
        True
        >>> Limits(macs=-1.0)
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: a limit of macs must be above 0 and finite, got -1.0
    """

    macs: float | None = None
    params: float | None = None
    memory: float | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        for name, value in self.given.items():
            require(0 < value < math.inf, f"a limit of {name} must be above 0 and finite", value)

    @property
    def given(self) -> dict[str, float]:
        """The limits that there are, by name."""
        named = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def words(self) -> str:
        """In words: at most 2 G MACs and 5 M parameters."""
        parts = [spelled(name, value) for name, value in self.given.items()]
        return f"at most {' and '.join(parts)}"


UNITS = {"macs": "MACs", "params": "parameters", "memory": "bytes of memory", "latency_ms": "ms"}


def spelled(name: str, value: float) -> str:
    """A cost with its unit: 4.45 M MACs, 5 ms.

    Examples:
        >>> from scaling_search.recommend.goal import spelled
        >>> spelled("macs", 385_814_752), spelled("latency_ms", 5.0)
        ('386 M MACs', '5 ms')
    """
    if name == "latency_ms":
        return f"{value:.3g} ms"
    factor, prefix = next(
        (f, p) for p, f in reversed(_FACTORS.items()) if value >= f * 0.9995 or not p
    )
    unit = "B of memory" if name == "memory" else UNITS[name]
    between = "" if name == "memory" or not prefix else " "
    return f"{value / factor:.3g} {prefix}{between}{unit}"


def quantity(text: str, what: str) -> float:
    """The number of "2G", "5M", "1.5k" or "300"; raises UserError naming `what` otherwise.

    Examples:
        >>> from scaling_search.recommend.goal import quantity
        >>> quantity("2.5M", "params"), quantity("0.4G", "macs")
        (2500000.0, 400000000.0)
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{what} must look like 2G, 5M, 300k or 1000, got {text!r}")
    return float(match[1]) * _FACTORS[match[2].replace("K", "k")]


def accuracy_goal(value: float) -> float:
    """An accuracy to reach as a percentage, given as a fraction; raises UserError otherwise.

    Examples:
        >>> from scaling_search.recommend.goal import accuracy_goal
        >>> accuracy_goal(0.9)
        90.0
    """
    rule = "an accuracy to reach is a fraction, in (0, 1)"
    require(0 < value < 1, rule, value, "0.9 for 90 %")
    return 100 * value
