"""Pretended timings: every network takes as long as a law says, known as exactly as it says."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.cost.analytic import count
from scaling_search.latency.job import ProcessRun, TimeJob, WarmUp
from scaling_search.latency.result import Latency, Timed
from scaling_search.search.resources import Meter, UntimedError, meter_of
from scaling_search.search.space import Budget

# Small enough to simulate its memory a hundred times.
SMALL = Architecture(
    name="small",
    stages=(Stage("mbconv", 16, 1), Stage("mbconv", 24, 1, stride=2)),
    stem_channels=16,
    head_channels=32,
    resolution_px=24,
    in_channels=1,
    num_classes=4,
)

Law = Callable[[Network], float]
Answer = TypeVar("Answer")


def like_macs(network: Network) -> float:
    """Milliseconds that rise with the work, but more slowly."""
    return math.pow(count(network).macs, 0.8)


def latency(network: Architecture, ratio: float, doubt: float, job: TimeJob) -> Latency:
    return Latency(
        network=network.name,
        fingerprint=network.fingerprint,
        px=network.resolution_px,
        regime=job.regime,
        batch=1,
        n=100,
        blocks=10,
        processes=1,
        median_ms=ratio,
        low_ms=ratio,
        high_ms=ratio,
        iqr_ms=0.0,
        min_ms=ratio,
        p90_ms=None,
        p99_ms=None,
        ratio=ratio,
        ratio_low=ratio * (1 - doubt),
        ratio_high=ratio * (1 + doubt),
        images_per_s=1e3 / ratio,
        peak_bytes=None,
        contention=None,
        launch_bound=False,
        flags=(),
    )


def timed(job: TimeJob, law: Law = like_macs, doubt: Law = lambda network: 0.0) -> Timed:
    """The job's result by the law; `doubt` is half the interval of a network's ratio."""
    base = law(job.anchor)
    timings = tuple(latency(one, law(one) / base, doubt(one), job) for one in job.networks)
    seats = tuple(WarmUp(1) for _ in job.line_up)
    return Timed(job, timings, (ProcessRun(seats, (), (), {}),), 1)


def answered(
    base: Architecture, law: Law, ask: Callable[[Meter], Answer]
) -> tuple[Answer, list[Architecture]]:
    """What `ask` comes to once all that it asks for is known, and what that was, in order."""
    ratios, asked = {base.fingerprint: 1.0}, list[Architecture]()
    while True:
        try:
            return ask(meter_of(Budget("latency"), ratios=ratios)), asked
        except UntimedError as lacking:
            asked += lacking.networks
            ratios |= {one.fingerprint: law(one) / law(base) for one in lacking.networks}
