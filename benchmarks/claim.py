"""What every benchmark says: a claim about a ratio to a peer, and whether it was reached."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Self

from scaling_search.core.stats import mean_interval
from scaling_search.jobs.environment import environment


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

    @classmethod
    def of_medians(
        cls, claim: str, peer: str, above: Sequence[float], below: Sequence[float], goal: float
    ) -> Self:
        """The ratio of medians, such as the peer's seconds over ours; as `of_ratios` otherwise."""
        ratios = [a / b for a, b in zip(above, below, strict=True)]
        return cls._of(claim, peer, median(above) / median(below), ratios, goal)

    @classmethod
    def of_ratios(cls, claim: str, peer: str, ratios: Sequence[float], goal: float) -> Self:
        """The median ratio; its interval is that of the mean of the ratios' logarithms."""
        return cls._of(claim, peer, median(ratios), ratios, goal)

    @classmethod
    def _of(cls, claim: str, peer: str, ratio: float, ratios: Sequence[float], goal: float) -> Self:
        interval = mean_interval([math.log(each) for each in ratios])
        low, high = (_rounded(math.exp(end)) for end in (interval.low, interval.high))
        return cls(claim, peer, _rounded(ratio), low, high, len(ratios), goal, ratio >= goal)

    @property
    def lines(self) -> str:
        """The claim for people."""
        reached = "reached" if self.reached else "missed"
        return (
            f"{self.claim}: {self.ratio:g} [{self.low:g}, {self.high:g}], n = {self.n}\n"
            f"  against {self.peer}; goal {self.goal:g}: {reached}"
        )


def parser_of(docstring: str | None) -> argparse.ArgumentParser:
    """A script's command line, with --json: its description is the first line of its docstring."""
    parser = argparse.ArgumentParser(description=(docstring or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the claims as JSON alone")
    return parser


def print_claims(
    claims: Sequence[Claim], *, as_json: bool, device: str = "cpu", workers: int = 1
) -> None:
    """Print the claims: for people with the environment, for machines as a list and no more."""
    if as_json:
        print(json.dumps([asdict(claim) for claim in claims], indent=2))
        return
    for claim in claims:
        print(claim.lines)
    for name, value in environment(device, workers).items():
        print(f"{name}: {value}")


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
