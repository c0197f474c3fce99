"""Each network's time beside the base, from the timings that a ledger holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scaling_search.arch.spec import Architecture
from scaling_search.latency.job import TimeJob
from scaling_search.latency.result import Latency, NetworkTiming, Timed

# A busy machine makes a network look ten times as slow: what is doubtful is timed again.
TRIES = 3


def tries_of(timings: Iterable[Timed], terms: TimeJob) -> dict[str, list[NetworkTiming]]:
    """Each network's timings on the terms of the job `terms`, by fingerprint, the oldest first.

    `timings` come the newest first, as from the ledger.
    """
    tries: dict[str, list[NetworkTiming]] = {}
    for timed in timings:
        if same_terms(timed.job, terms) and not anchor_failure(timed):
            for timing in timed.timings:
                tries.setdefault(timing.fingerprint, []).insert(0, timing)
    return tries


def ratios_of(
    tries: Mapping[str, Sequence[NetworkTiming]], anchor: Architecture, tolerance: float
) -> dict[str, float]:
    """Each network's time per image over the anchor's, by fingerprint, as meters take them.

    A ratio whose 95 % interval is wider than the budget's tolerance is unknown until the network
    has been tried `TRIES` times; then the narrowest counts. What a ratio was decides what is
    trained, so a later timing never changes one that is known. What could not be timed is
    infinitely slow.
    """
    ratios = {fingerprint: _settled(some, tolerance) for fingerprint, some in tries.items()}
    settled = {fingerprint: ratio for fingerprint, ratio in ratios.items() if ratio is not None}
    return {**settled, anchor.fingerprint: 1.0}


def same_terms(job: TimeJob, other: TimeJob) -> bool:
    """Whether two jobs differ at most in their networks and seeds."""
    mine, its = (replace(each, networks=(), seed=0) for each in (job, other))
    return mine.hash == its.hash


def anchor_failure(timed: Timed) -> str:
    """Why the anchor could not be timed, for then there is no ratio; empty when it was."""
    return next((s.seats[0].failure for s in timed.sittings if s.seats[0].failure), "")


def doubt(timing: NetworkTiming) -> float:
    """Half the 95 % interval of a ratio, as a share of it; 0 where a failure is certain."""
    if not isinstance(timing, Latency):
        return 0.0
    ratio, low, high = timing.ratio, timing.ratio_low, timing.ratio_high
    if ratio is None or low is None or high is None:
        return math.inf
    return (high - low) / 2 / ratio


def _settled(tries: Sequence[NetworkTiming], tolerance: float) -> float | None:
    sure = next((timing for timing in tries if doubt(timing) <= tolerance), None)
    if sure is None and len(tries) < TRIES:
        return None
    best = sure or min(tries, key=doubt)
    return (best.ratio or math.inf) if isinstance(best, Latency) else math.inf
