"""How long networks with weights take for an image: each in fresh processes, beside the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from scaling_search.arch.spec import Architecture
from scaling_search.latency.job import Machine, Regime, TimeBudget
from scaling_search.latency.process_runner import machine_of
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Latency, NetworkTiming
from scaling_search.pretrained.sources import Pretrained

TIME_COLUMNS = ("latency_ms", "latency_low_ms", "latency_high_ms", "latency_flags")


@dataclass(frozen=True)
class NetworkTimes:
    """`columns` has a row a network, in their order: latency_ms (median), _low_ms and _high_ms (95
    %), all nan where nothing was measured, and latency_flags, what to doubt or why there is none.

    `remark` says in which regime, and on what.
    """

    columns: pd.DataFrame
    remark: str


def network_times(
    networks: Sequence[Pretrained],
    device: str,
    budget: TimeBudget,
    report: Callable[[str], None] = lambda _: None,
) -> NetworkTimes:
    """Time networks at the side that is evaluated, one image at a time; weights are no matter.

    A network that no table describes is not timed.
    """
    tables = [each.network for each in networks if isinstance(each.network, Architecture)]
    machine = Machine(device, machine_of(device))
    words = f"{Regime().words}; {machine.machine}"
    timings: dict[str, NetworkTiming] = {}
    if tables:
        counted = "1 network" if len(tables) == 1 else f"{len(tables)} networks"
        report(f"timing {counted}{machine.alone}: {budget.seconds:g} s and a warm-up")
        distinct = list({table.fingerprint: table for table in tables}.values())
        measured = profile(distinct, [Regime()], budget, place=machine)
        timings = {timing.fingerprint: timing for timing in measured.timings}
    rows = [_row(timings.get(each.network.fingerprint)) for each in networks]
    columns = pd.DataFrame(rows, columns=list(TIME_COLUMNS))
    return NetworkTimes(columns, f"time is the median of an image: {words}")


def _row(timing: NetworkTiming | None) -> tuple[float, float, float, str]:
    nothing = (float("nan"),) * 3
    if timing is None:
        return (*nothing, "not timed: no table of stages describes it")
    if not isinstance(timing, Latency):
        return (*nothing, timing.reason)
    flags = ", ".join(flag.reason for flag in timing.flags)
    return timing.median_ms, timing.low_ms, timing.high_ms, flags
