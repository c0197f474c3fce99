"""When a time is not to be trusted: each rule of the protocol, with the number that broke it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scaling_search.latency.job import Reading
from scaling_search.latency.result import Flag, Reason
from scaling_search.latency.sample_series import SampleSeries

SCATTER = 0.10  # interquartile range over median: one late interrupt in hundreds is no scatter
GPU_SCATTER = 0.0135  # that of times whose standard deviation is 1 %
DRIFT = 0.03  # second half over first half
ANCHOR_DRIFT = 0.05
PROCESSES = 0.05  # largest over smallest median
CLOCK_DROP = 0.05
# Others' share of a CPU: a quarter of a core, and a tenth of the machine, disturb.
FOREIGN_CORES, FOREIGN_SHARE = 0.25, 0.10


def flags_of(
    series: Sequence[SampleSeries],
    anchor: Sequence[SampleSeries],
    readings: Sequence[Sequence[Reading]],
    on_gpu: bool,
) -> tuple[Flag, ...]:
    """All that speaks against a network's times; one entry a process in each argument."""
    flags = (
        _over("scatter", max(map(scatter, series)), GPU_SCATTER if on_gpu else SCATTER),
        _over("drift", max(map(drift, series)), DRIFT),
        _over("anchor drift", max(map(drift, anchor)), ANCHOR_DRIFT),
        _over("processes differ", _spread(series), PROCESSES),
        _throttled(readings),
        _over("clock drop", max(map(_clock_drop, readings)), CLOCK_DROP),
        _foreign(readings, on_gpu),
    )
    return tuple(flag for flag in flags if flag is not None)


def scatter(turns: SampleSeries) -> float:
    """The interquartile range of all iterations over their median.

    Within one process: processes are held against each other by another rule.

    Examples:
        >>> from scaling_search.latency.sample_series import SampleSeries
        >>> from scaling_search.latency.stability import scatter
        >>> scatter(SampleSeries(times_ms=((9.0, 10.0, 11.0), (8.0, 12.0)), host_ms=()))
        0.2
    """
    low, middle, high = np.percentile(turns.all_ms, (25, 50, 75))
    return float((high - low) / middle)


def drift(turns: SampleSeries) -> float:
    """How far the median of the second half of the blocks lies from that of the first.

    Examples:
        >>> from scaling_search.latency.sample_series import SampleSeries
        >>> from scaling_search.latency.stability import drift
        >>> slower = SampleSeries(times_ms=((10.0, 10.0), (12.0, 12.0)), host_ms=())
        >>> round(drift(slower), 2)
        0.2
    """
    medians = turns.medians_ms
    if medians.size < 2:
        return 0.0
    half = medians.size // 2
    return float(abs(np.median(medians[-half:]) / np.median(medians[:half]) - 1))


def _spread(series: Sequence[SampleSeries]) -> float:
    medians = [float(np.median(turns.medians_ms)) for turns in series]
    return max(medians) / min(medians) - 1


def _clock_drop(readings: Sequence[Reading]) -> float:
    clocks = [r.clock_mhz for r in readings if r.clock_mhz is not None]
    return 1 - min(clocks) / max(clocks) if clocks else 0.0


def _throttled(readings: Sequence[Sequence[Reading]]) -> Flag | None:
    reasons = {reason for row in readings for each in row for reason in each.throttle_reasons}
    return Flag("throttled", ", ".join(sorted(reasons))) if reasons else None


def _foreign(readings: Sequence[Sequence[Reading]], on_gpu: bool) -> Flag | None:
    seen = [[r.foreign for r in row if r.foreign is not None] for row in readings]
    if on_gpu:
        most = max((max(row) for row in seen if row), default=0.0)
        return Flag("foreign load", f"{most:g} other processes on the GPU") if most else None
    cores = max((each.cores for row in readings for each in row), default=0)
    busy = max((sum(row) / len(row) for row in seen if row), default=0.0)
    if busy <= max(FOREIGN_CORES, FOREIGN_SHARE * cores):
        return None
    return Flag("foreign load", f"others keep {busy:.2f} of {cores} cores busy")


def _over(reason: Reason, value: float, limit: float) -> Flag | None:
    if value <= limit:
        return None
    return Flag(reason, f"{100 * value:.1f} %, the limit is {100 * limit:g} %")
