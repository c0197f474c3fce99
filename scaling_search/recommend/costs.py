"""What the networks of a comparison cost, trained or not: MACs, parameters, memory, time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scaling_search.arch.spec import Architecture
from scaling_search.compare.family import Member
from scaling_search.compare.methods import BASE
from scaling_search.cost.memory import peak_memory
from scaling_search.experiment.run_comparison import RunComparison
from scaling_search.recommend.goal import UNITS, Limits
from scaling_search.report.latency import latency_frame


@dataclass(frozen=True, eq=False)
class Costs:
    """Those of one image at inference; times are the run's own timing, on its machine."""

    comparison: RunComparison

    def known(self, member: Member) -> dict[str, float]:
        """The costs that are known of a network, by name."""
        costs = {name: self.cost(member, name) for name in UNITS}
        return {name: cost for name, cost in costs.items() if cost is not None}

    def fits(self, member: Member, limits: Limits) -> bool:
        """Whether the network keeps to all limits; an unknown cost keeps to none."""
        return all(
            (cost := self.cost(member, name)) is not None and cost <= most
            for name, most in limits.given.items()
        )

    def cost(self, member: Member, name: str) -> float | None:
        """MACs, parameters, bytes or ms of a network; None where that isn't known."""
        match name:
            case "macs":
                return float(member.cost.macs)
            case "params":
                return float(member.cost.params)
            case "memory" if isinstance(member.architecture, Architecture):
                return float(peak_memory(member.architecture).total_bytes)
            case "latency_ms":
                return self._latency_ms(member)
            case _:
                return None

    @cached_property
    def times_ms(self) -> dict[str, float]:
        """The median time of an image in ms, by the fingerprint of each network that was timed."""
        if self.comparison.timed is None:
            return {}
        frame = latency_frame(self.comparison.timed).dropna(subset=["median_ms"])
        return {
            str(row["fingerprint"]): float(row["median_ms"]) / float(row["batch"])
            for row in frame.to_dict("records")
        }

    def _latency_ms(self, member: Member) -> float | None:
        """Its time, or that read off its method's, linear in both logarithms; none beyond them."""
        times = self.times_ms
        if member.architecture.fingerprint in times:
            return times[member.architecture.fingerprint]
        timed = {
            math.log(each.growth): math.log(times[each.architecture.fingerprint])
            for each in self.comparison.members
            if each.method in (BASE, member.method) and each.architecture.fingerprint in times
        }
        at = math.log(member.growth)
        if len(timed) < 2 or not min(timed) <= at <= max(timed):
            return None
        sizes = sorted(timed)
        return math.exp(float(np.interp(at, sizes, [timed[size] for size in sizes])))
