"""A clock that only moves when told, and a device whose networks take as long as a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scaling_search.arch.spec import Architecture, Stage
from scaling_search.latency.job import (
    Machine,
    ProcessRun,
    Reading,
    Regime,
    TimeBudget,
    TimeJob,
)
from scaling_search.latency.measure import measure
from scaling_search.latency.protocol import DeviceFullError, Turn
from scaling_search.latency.result import Latency, NetworkTiming

# The time of a network's i-th iteration in ms, at a batch and a moment in seconds.
Law = Callable[[int, int, float], float]


def network(name: str, channels: int = 8) -> Architecture:
    return Architecture(
        name=name,
        stages=(Stage("mbconv", channels, 1),),
        stem_channels=8,
        head_channels=8,
        resolution_px=8,
        num_classes=2,
    )


ANCHOR, SMALL, LARGE = network("anchor"), network("small", 16), network("large", 24)


@dataclass
class FakeClock:
    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def wall(self) -> float:
        return self.now

    def thread(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class FakeProgram:
    law: Law
    batch: int
    clock: FakeClock
    host_share: float
    started: int = 0

    def run(self, iterations: int) -> Turn:
        times = []
        for _ in range(iterations):
            times.append(self.law(self.started, self.batch, self.clock.now))
            self.clock.now += times[-1] / 1e3
            self.started += 1
        host = tuple(self.host_share * time for time in times)
        return Turn(tuple(times), host, sum(times))

    def peak_bytes(self) -> int | None:
        return 1000 * self.batch


@dataclass
class FakeDevice:
    """`laws` by the network's name; a batch over `largest_batch` does not fit."""

    laws: dict[str, Law]
    clock: FakeClock
    largest_batch: int = 1 << 20
    host_share: float = 1.0
    readings: Callable[[float], Reading] = lambda now: Reading()
    loaded: list[tuple[str, int]] = field(default_factory=list)

    def load(self, network: Architecture, regime: Regime, batch: int) -> FakeProgram:
        self.loaded.append((network.name, batch))
        if batch > self.largest_batch:
            raise DeviceFullError("tried to allocate 2 GiB")
        return FakeProgram(self.laws[network.name], batch, self.clock, self.host_share)

    def read(self) -> Reading:
        return self.readings(self.clock.now)

    def conditions(self) -> dict[str, str]:
        return {"machine": "fake"}


def job(
    *networks: Architecture,
    regime: Regime | None = None,
    device: str = "cpu",
    seconds: float = 6.0,
    processes: int = 3,
    attempts: int = 1,
) -> TimeJob:
    budget = TimeBudget(seconds, processes, attempts)
    place = Machine(device, "fake")
    return TimeJob(networks, ANCHOR, regime or Regime(), budget, place)


def steady(ms: float, sway: float = 0.002) -> Law:
    """About `ms`, up and down by turns: medians agree, and no two samples need be equal."""
    return lambda i, batch, now: ms * (1 + sway * ((i * 7) % 5 - 2) / 2)


def sittings(
    asked: TimeJob,
    laws: Callable[[int], dict[str, Law]],
    *,
    largest_batch: int = 1 << 20,
    host_share: float = 1.0,
    readings: Callable[[float], Reading] = lambda now: Reading(),
) -> tuple[ProcessRun, ...]:
    """What the processes of a job bring back when process p's networks obey laws(p)."""
    found: list[ProcessRun] = []
    for process in range(asked.budget.processes):
        clock = FakeClock()
        device = FakeDevice(laws(process), clock, largest_batch, host_share, readings)
        batches = tuple(seat.batch for seat in found[0].seats) if found else None
        found.append(measure(asked, process, batches, device, clock))
    return tuple(found)


def latency_of(timing: NetworkTiming) -> Latency:
    """The timing of a network that could be measured."""
    assert isinstance(timing, Latency)
    return timing
