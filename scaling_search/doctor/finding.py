"""A finding: one thing that was looked at, how it is, and what follows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

About = Literal["lock", "study", "data", "weights", "ledger", "checkpoints", "environment", "disk"]
FindingState = Literal["good", "note", "attention"]


@dataclass(frozen=True)
class Finding:
    """What was found, and what happens on the next run, or what to type (empty: nothing)."""

    about: About
    state: FindingState
    what: str
    then: str = ""


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing needs attention.

    Examples:
        >>> from scaling_search.doctor.finding import Finding, healthy
        >>> healthy([Finding("ledger", "good", "180 lines are whole")])
        True
    """
    return all(finding.state != "attention" for finding in findings)


def size(count: float) -> str:
    """A number of bytes for people: 1.2 GB.

    Examples:
        >>> from scaling_search.doctor.finding import size
        >>> size(512), size(1_234_567_890)
        ('512 bytes', '1.23 GB')
    """
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB" if count < 1000 else f"{count:,.0f} GB"
