"""What every benchmark says: a claim about a ratio to a peer, and whether it was reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A ratio with its 95 % interval (or range) over `n` pairs, and whether it reached the goal."""

    claim: str
    peer: str
    ratio: float
    low: float
    high: float
    n: int
    goal: float
    reached: bool
