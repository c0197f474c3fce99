"""The CPU as a device: wall and thread time around each step, the kernel's account of others."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from scaling_search.arch.spec import Architecture
from scaling_search.cost.step import Step
from scaling_search.latency.conditions import conditions
from scaling_search.latency.job import Reading, Regime
from scaling_search.latency.prepare import as_full, loaded
from scaling_search.latency.protocol import Clock, SystemClock, Turn

# user, nice, system, irq, softirq and steal: the columns of /proc/stat in which a core works.
_BUSY_COLUMNS = (1, 2, 3, 6, 7, 8)


@dataclass(frozen=True)
class CpuProgram:
    """A step on the CPU; thread time is that of one thread, and left out with several."""

    step: Step
    clock: Clock
    threads: int = 1

    def run(self, iterations: int) -> Turn:
        """Run that often in a row."""
        wall, host = [], []
        began = self.clock.wall()
        for _ in range(iterations):
            wall_from, thread_from = self.clock.wall(), self.clock.thread()
            _run(self.step)
            host.append(_ms(self.clock.thread() - thread_from))
            wall.append(_ms(self.clock.wall() - wall_from))
        total_ms = _ms(self.clock.wall() - began)
        return Turn(tuple(wall), tuple(host) if self.threads == 1 else (), total_ms)

    def peak_bytes(self) -> int | None:
        """None: a CPU's allocator keeps no account."""
        return None


@dataclass
class CpuDevice:
    """The machine's CPU; `busy_seconds` says how long its cores have worked, for all."""

    threads: int = 1
    clock: Clock = field(default_factory=SystemClock)
    busy_seconds: Callable[[], float | None] = lambda: busy_core_seconds(Path("/proc/stat"))
    own_seconds: Callable[[], float] = lambda: sum(os.times()[:4])
    _last: tuple[float, float | None, float] | None = None

    def load(self, network: Architecture, regime: Regime, batch: int) -> CpuProgram:
        """Build the network with random weights and images."""
        return CpuProgram(loaded(network, regime, batch, "cpu"), self.clock, self.threads)

    def read(self) -> Reading:
        """Read how many cores others have kept busy since the last reading."""
        now = (self.clock.wall(), self.busy_seconds(), self.own_seconds())
        before, self._last = self._last, now
        cores = os.cpu_count() or 1
        if before is None or before[1] is None or now[1] is None or now[0] <= before[0]:
            return Reading(cores=cores)
        busy_elsewhere = (now[1] - before[1]) - (now[2] - before[2])
        return Reading(foreign=max(0.0, busy_elsewhere / (now[0] - before[0])), cores=cores)

    def conditions(self) -> dict[str, str]:
        """Name versions, threads and allocator."""
        return conditions("cpu")


def _run(step: Step) -> None:
    try:
        step()
    except (RuntimeError, MemoryError) as error:
        raise as_full(error) from error


def busy_core_seconds(stat: Path) -> float | None:
    """How long all cores together have worked since the start; None where no kernel says so."""
    try:
        columns = stat.read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    return sum(int(columns[i]) for i in _BUSY_COLUMNS) / os.sysconf("SC_CLK_TCK")


def _ms(seconds: float) -> float:
    """Milliseconds to the nanosecond, which is as fine as the clock is: raw samples are kept."""
    return round(1e3 * seconds, 6)
