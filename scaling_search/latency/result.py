"""What the profiler says of a network: numbers with their n and spread, flags, raw samples kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scaling_search.latency.job import ProcessRun, Regime, TimeJob

Reason = Literal[
    "scatter",
    "drift",
    "anchor drift",
    "processes differ",
    "throttled",
    "clock drop",
    "foreign load",
]


@dataclass(frozen=True)
class Flag:
    """Why a time is not to be trusted, and the number that says so."""

    reason: Reason
    detail: str


@dataclass(frozen=True)
class Latency:
    """One network's time in one regime, on one machine.

    `ratio` is its time per image over the anchor's in the same block: the number to compare.
    `median_ms` is that of the blocks' medians; `n` counts iterations; `p90_ms` needs 64 of them
    and `p99_ms` 662. Intervals are 95 %, by bootstrap over processes, then blocks. `contention` is
    the share of wall time in which the thread had no core (CPU, one thread). `launch_bound`: the
    GPU waits for the host.
    """

    network: str
    fingerprint: str
    px: int
    regime: Regime
    batch: int
    n: int
    blocks: int
    processes: int
    median_ms: float
    low_ms: float
    high_ms: float
    iqr_ms: float
    min_ms: float
    p90_ms: float | None
    p99_ms: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    images_per_s: float
    peak_bytes: int | None
    contention: float | None
    launch_bound: bool
    flags: tuple[Flag, ...]
    note: str = ""

    @property
    def stable(self) -> bool:
        """Whether nothing speaks against the number."""
        return not self.flags


@dataclass(frozen=True)
class Unmeasured:
    """A network that could not be timed, and why."""

    network: str
    fingerprint: str
    px: int
    regime: Regime
    reason: str


NetworkTiming = Latency | Unmeasured


@dataclass(frozen=True)
class Timed:
    """A job's result: one timing a network, in the job's order, and everything it rests on.

    `attempts` is how many were made; these are the sittings of the one with the fewest flags. Where
    networks were compiled they are those of a few networks after those of the few before, and each
    seats the anchor first.
    """

    job: TimeJob
    timings: tuple[NetworkTiming, ...]
    sittings: tuple[ProcessRun, ...]
    attempts: int


@dataclass(frozen=True)
class Profile:
    """The results of all regimes."""

    results: tuple[Timed, ...]

    @property
    def timings(self) -> tuple[NetworkTiming, ...]:
        """All timings, regime after regime."""
        return tuple(timing for result in self.results for timing in result.timings)
