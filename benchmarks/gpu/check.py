"""A check: what must hold, what is seen, and the table of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

HEADS = ("part", "check", "expected", "seen", "holds")


@dataclass(frozen=True)
class Check:
    """One row of the table; `holds` None: it could not be looked at here, and `seen` says why."""

    part: str
    name: str
    expected: str
    seen: str
    holds: bool | None


def equal(part: str, name: str, seen: object, expected: object) -> Check:
    """What is seen must be what is expected."""
    return Check(part, name, str(expected), str(seen), seen == expected)


def at_most(part: str, name: str, seen: float, limit: float) -> Check:
    """A number must not be above its limit."""
    return Check(part, name, f"≤ {limit:.4g}", f"{seen:.4g}", seen <= limit)


def at_least(part: str, name: str, seen: float, limit: float) -> Check:
    """A number must not be below its limit."""
    return Check(part, name, f"≥ {limit:.4g}", f"{seen:.4g}", seen >= limit)


def within(part: str, name: str, seen: float, low: float, high: float) -> Check:
    """A number must lie between two others, which are allowed."""
    return Check(part, name, f"{low:.4g} … {high:.4g}", f"{seen:.4g}", low <= seen <= high)


def table(checks: Sequence[Check]) -> str:
    """All checks in their order, as a Markdown table."""
    words = {True: "yes", False: "NO", None: "–"}
    rows = [(c.part, c.name, c.expected, c.seen, words[c.holds]) for c in checks]
    return tabulate(rows, HEADS, tablefmt="pipe", disable_numparse=True)


def all_hold(checks: Sequence[Check]) -> bool:
    """Whether nothing that was looked at failed, and something was looked at."""
    return any(c.holds for c in checks) and not any(c.holds is False for c in checks)
