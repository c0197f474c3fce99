"""The profiler: a job a regime, processes in turn, another attempt where a result is unstable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from pydantic import TypeAdapter

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.latency.job import Machine, ProcessRun, Regime, TimeBudget, TimeJob
from scaling_search.latency.process_runner import in_child, machine_of
from scaling_search.latency.protocol import Clock, ProcessRunner, SystemClock
from scaling_search.latency.result import Latency, NetworkTiming, Profile, Timed
from scaling_search.latency.summary import timings_of

PAUSE_SECONDS = 2.0
MOST_COMPILED = 4
_TIMED = TypeAdapter(Timed)


def profile(
    architectures: Sequence[Architecture],
    regimes: Sequence[Regime] = (Regime(),),
    budget: TimeBudget | None = None,
    *,
    anchor: Architecture | None = None,
    place: Machine | None = None,
    seed: int = 0,
    runner: ProcessRunner = in_child,
    clock: Clock | None = None,
) -> Profile:
    """Time networks in each regime, beside the anchor (None: the first of them).

    `place` is by default one thread of this machine's CPU. Raises UserError for no network, and
    for a regime that the device does not have.

    Examples:
        >>> from scaling_search import profile
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.latency.job import TimeBudget
        >>> short = TimeBudget(seconds=0.2, processes=1, attempts=1)
        >>> nano, micro = profile([zoo.get("nano"), zoo.get("micro")], budget=short).timings
        >>> nano.network, micro.network, micro.median_ms > 0
        ('nano', 'micro', True)
    """
    require(len(architectures) > 0, "there must be a network to time", list(architectures))
    place = place or Machine(machine=machine_of("cpu"))
    for regime in regimes:
        _require_possible(regime, place)
    networks, anchor = tuple(architectures), anchor or architectures[0]
    budget, clock = budget or TimeBudget(), clock or SystemClock()
    jobs = [TimeJob(networks, anchor, regime, budget, place, seed) for regime in regimes]
    return Profile(tuple(time_networks(job, runner, clock) for job in jobs))


def time_networks(job: TimeJob, runner: ProcessRunner, clock: Clock) -> Timed:
    """Run one job: attempts until one is stable, or the last; the one with fewest flags counts.

    Networks that are compiled are timed a few at a time, each few beside the anchor: a process
    would need hours for all of them before it timed the first.
    """
    most = MOST_COMPILED if job.regime.mode == "compile" else max(1, len(job.networks))
    parts = [
        _attempts(replace(job, networks=job.networks[first : first + most]), runner, clock)
        for first in range(0, max(1, len(job.networks)), most)
    ]
    return Timed(
        job,
        tuple(timing for part in parts for timing in part.timings),
        tuple(sitting for part in parts for sitting in part.sittings),
        max(part.attempts for part in parts),
    )


def _attempts(job: TimeJob, runner: ProcessRunner, clock: Clock) -> Timed:
    best: Timed | None = None
    for attempt in range(job.budget.attempts):
        if attempt:
            clock.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
        sittings = _sittings(job, runner, attempt * job.budget.processes)
        timed = Timed(job, timings_of(job, sittings), sittings, attempt + 1)
        if best is None or _flag_count(timed.timings) < _flag_count(best.timings):
            best = timed
        if not _flag_count(best.timings):
            break
    assert best is not None  # noqa: S101
    return Timed(job, best.timings, best.sittings, attempt + 1)


def timed_to_json(timed: Timed) -> str:
    """A job's result with all its raw samples as JSON."""
    return json.dumps(asdict(timed))


def timed_from_json(text: str | bytes) -> Timed:
    """The result that `timed_to_json` wrote; raises pydantic's ValidationError."""
    return _TIMED.validate_json(text)


def _sittings(job: TimeJob, runner: ProcessRunner, first: int) -> tuple[ProcessRun, ...]:
    """All processes of an attempt; the batches that the first one found are used by the others."""
    sittings = [runner(job, first, None)]
    batches = tuple(seat.batch for seat in sittings[0].seats)
    for process in range(1, job.budget.processes):
        sittings.append(runner(job, first + process, batches))
    return tuple(sittings)


def _flag_count(timings: Sequence[NetworkTiming]) -> int:
    return sum(len(timing.flags) for timing in timings if isinstance(timing, Latency))


def _require_possible(regime: Regime, place: Machine) -> None:
    needs_gpu = regime.precision == "tf32" or regime.mode == "graph"
    require(
        not needs_gpu or place.device != "cpu",
        "TF32 and CUDA graphs need a CUDA device",
        regime.words,
    )
