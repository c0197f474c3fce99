"""From raw samples to numbers: medians, percentiles where n allows, intervals, ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from scaling_search.core.stats import Floats
from scaling_search.latency.job import ProcessRun, TimeJob
from scaling_search.latency.result import Latency, NetworkTiming, Unmeasured
from scaling_search.latency.sample_series import SampleSeries, turns_of
from scaling_search.latency.stability import flags_of

# Below these n the 95 % interval of a percentile has no upper end among the samples, or one that
# is the largest sample itself.
P90_FROM, P99_FROM = 64, 662
LAUNCH_BOUND = 0.8
BOOTSTRAP_DRAWS = 1000


class _Spread(TypedDict):
    n: int
    median_ms: float
    low_ms: float
    high_ms: float
    iqr_ms: float
    min_ms: float
    p90_ms: float | None
    p99_ms: float | None


class _Ratios(TypedDict):
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None


def timings_of(job: TimeJob, sittings: Sequence[ProcessRun]) -> tuple[NetworkTiming, ...]:
    """One timing for each of the job's networks, in their order."""
    return tuple(_timing(job, sittings, index) for index in range(1, len(job.line_up)))


def percentile(times_ms: Floats, percent: int, least_n: int) -> float | None:
    """The percentile, or None where there are too few samples to speak of it.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.latency.summary import percentile
        >>> times_ms = np.arange(101.0)
        >>> percentile(times_ms, 90, least_n=64), percentile(times_ms, 99, least_n=662)
        (90.0, None)
    """
    return float(np.percentile(times_ms, percent)) if times_ms.size >= least_n else None


def bootstrap(rows: Sequence[Floats], seed: int) -> tuple[float, float]:
    """The 95 % interval of the median of all rows: rows are drawn anew, then values in each.

    A row is a process. Values of one process are alike, so to redraw values alone would promise
    too much; with one row that is all that can be done.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.latency.summary import bootstrap
        >>> bootstrap([np.full(8, 5.0), np.full(8, 5.0)], seed=0)
        (5.0, 5.0)
    """
    rng = np.random.default_rng(seed)
    medians = np.empty(BOOTSTRAP_DRAWS)
    for draw in range(BOOTSTRAP_DRAWS):
        chosen = [rows[i] for i in rng.integers(len(rows), size=len(rows))]
        medians[draw] = np.median(np.concatenate([rng.choice(row, row.size) for row in chosen]))
    low, high = np.percentile(medians, (2.5, 97.5))
    return float(low), float(high)


def rank_intervals(timings: Sequence[Latency]) -> tuple[tuple[int, int], ...]:
    """The best and the worst rank that each can have; whose ratios overlap are not ranked.

    Timings without a ratio can have any.
    """
    ends = [_ratio_ends(timing) for timing in timings]
    faster = [sum(high < low for _, high in ends) for low, _ in ends]
    slower = [sum(low > high for low, _ in ends) for _, high in ends]
    return tuple(
        (1 + before, len(ends) - after) for before, after in zip(faster, slower, strict=True)
    )


def _ratio_ends(timing: Latency) -> tuple[float, float]:
    if timing.ratio_low is None or timing.ratio_high is None:
        return -math.inf, math.inf
    return timing.ratio_low, timing.ratio_high


def _timing(job: TimeJob, sittings: Sequence[ProcessRun], index: int) -> NetworkTiming:
    network, regime = job.line_up[index], job.regime
    who = (network.name, network.fingerprint, network.resolution_px, regime)
    seats = [sitting.seats[index] for sitting in sittings]
    failure = next((seat.failure for seat in seats if seat.failure), "")
    if failure:
        return Unmeasured(*who, failure)
    series = [turns_of(sitting, index) for sitting in sittings]
    anchor = [turns_of(sitting, 0) for sitting in sittings]
    readings = [sitting.readings for sitting in sittings]
    on_gpu, batch = job.place.device != "cpu", seats[0].batch
    times = np.array([time for turns in series for time in turns.all_ms])
    host = sum(time for turns in series for time in turns.all_host_ms) / float(times.sum())
    thread_known = any(turns.host_ms and turns.host_ms[0] for turns in series) and not on_gpu
    spread = _spread(times, [turns.medians_ms for turns in series], job.seed)
    return Latency(
        *who,
        batch=batch,
        blocks=sum(len(turns.times_ms) for turns in series),
        processes=len(sittings),
        **spread,
        **_ratios(series, anchor, batch / sittings[0].seats[0].batch, job.seed),
        images_per_s=1e3 * batch / spread["median_ms"],
        peak_bytes=max((seat.peak_bytes for seat in seats if seat.peak_bytes), default=None),
        contention=max(0.0, 1 - host) if thread_known else None,
        launch_bound=on_gpu and _launch_share(series) > LAUNCH_BOUND,
        flags=flags_of(series, anchor, readings, on_gpu),
        note=seats[0].limit,
    )


def _launch_share(series: Sequence[SampleSeries]) -> float:
    """The time to enqueue over the GPU's, of iterations that began with an empty queue.

    Later ones of a turn wait for room in the queue, where the GPU is the slower of the two.
    """
    firsts = [
        host_ms[0] / times_ms[0]
        for turns in series
        for times_ms, host_ms in zip(turns.times_ms, turns.host_ms, strict=True)
    ]
    return float(np.median(firsts)) if firsts else 0.0


def _spread(times: Floats, rows: Sequence[Floats], seed: int) -> _Spread:
    """The numbers of the iterations themselves; `rows` are block medians, a row a process."""
    low, high = (float(value) for value in np.percentile(times, (25, 75)))
    # The median of what the interval is of: blocks count alike, however many iterations each has.
    middle = float(np.median(np.concatenate(rows)))
    low_ms, high_ms = bootstrap(rows, seed)
    return {
        "n": times.size,
        "median_ms": middle,
        # With very few blocks the percentiles of the draws may pass the point by.
        "low_ms": min(low_ms, middle),
        "high_ms": max(high_ms, middle),
        "iqr_ms": high - low,
        "min_ms": float(times.min()),
        "p90_ms": percentile(times, 90, P90_FROM),
        "p99_ms": percentile(times, 99, P99_FROM),
    }


def _ratios(
    series: Sequence[SampleSeries], anchor: Sequence[SampleSeries], images: float, seed: int
) -> _Ratios:
    """The time per image over the anchor's in the same block, with its interval."""
    if not all(turns.times_ms for turns in anchor):
        return {"ratio": None, "ratio_low": None, "ratio_high": None}
    pairs = zip(series, anchor, strict=True)
    rows = [mine.medians_ms / its.medians_ms / images for mine, its in pairs]
    low, high = bootstrap(rows, seed)
    middle = float(np.median(np.concatenate(rows)))
    return {"ratio": middle, "ratio_low": low, "ratio_high": high}
