"""What the profiler needs of the world, so that tests can give it another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from scaling_search.arch.spec import Architecture
from scaling_search.latency.job import ProcessRun, Reading, Regime, TimeJob


class DeviceFullError(RuntimeError):
    """The device has no memory left for this network at this batch."""


class Clock(Protocol):
    """Tells the time, in seconds from any start."""

    def wall(self) -> float:
        """Time that passes for all."""
        ...

    def thread(self) -> float:
        """Time that this thread has spent on a core."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


@dataclass(frozen=True)
class SystemClock:
    """The machine's own."""

    def wall(self) -> float:
        """Read the finest monotonic clock."""
        return time.perf_counter()

    def thread(self) -> float:
        """Read this thread's."""
        return time.thread_time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Turn:
    """The times of some iterations in a row, as in `job.Sample`."""

    times_ms: tuple[float, ...]
    host_ms: tuple[float, ...]
    wall_ms: float


class Program(Protocol):
    """A network on its device, ready to be timed."""

    def run(self, iterations: int) -> Turn:
        """Run that often in a row; raises DeviceFullError."""
        ...

    def peak_bytes(self) -> int | None:
        """The most memory it has held, or None where that can't be asked of the device."""
        ...


class Device(Protocol):
    """Where programs run, and how it is doing."""

    def load(self, network: Architecture, regime: Regime, batch: int) -> Program:
        """Bring a network there, with random weights and images; raises DeviceFullError."""
        ...

    def read(self) -> Reading:
        """Read the state since the last reading."""
        ...

    def conditions(self) -> dict[str, str]:
        """Name what a time depends on: versions, threads, allocator and clocks."""
        ...


# Runs a job in one process, the n-th; batches are those found earlier, or None.
ProcessRunner = Callable[[TimeJob, int, "tuple[int, ...] | None"], ProcessRun]
