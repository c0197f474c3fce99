"""A CUDA device: events around every iteration, one synchronisation a turn, graphs if asked.

All that talks to the driver is behind `Driver`, so the rest runs in tests without a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from scaling_search.arch.spec import Architecture
from scaling_search.cost.step import Step
from scaling_search.latency.conditions import conditions
from scaling_search.latency.job import Reading, Regime
from scaling_search.latency.prepare import as_full, loaded
from scaling_search.latency.protocol import Clock, SystemClock, Turn


class CudaEvent(Protocol):
    """A mark in the stream of work."""

    def record(self) -> object:
        """Put it behind all work that is enqueued so far."""
        ...

    def elapsed_time(self, end: Any, /) -> float:
        """Return the milliseconds from this mark to that one; both must have passed."""
        ...


class Graph(Protocol):
    """Work that was captured once and is launched as a whole."""

    def replay(self) -> object:
        """Enqueue all of it."""
        ...


@dataclass(frozen=True)
class CapturedStep:
    """A step and the CUDA graph of it.

    A graph knows its tensors by their addresses alone. Without the step that owns them their
    memory goes to whatever is loaded next, and the graph reads and writes there.
    """

    step: Step
    graph: Graph

    def __call__(self) -> None:
        """Replay the graph."""
        self.graph.replay()


class Driver(Protocol):
    """The few calls that only a real GPU answers."""

    def event(self) -> CudaEvent:
        """Make a mark that can tell the time."""
        ...

    def synchronize(self) -> None:
        """Wait for all enqueued work."""
        ...

    def capture(self, step: Step) -> CapturedStep:
        """Make a CUDA graph of the step; what is returned replays it and keeps what it works on."""
        ...

    def allocated_bytes(self) -> int:
        """Return what is allocated now."""
        ...

    def peak_bytes(self) -> int:
        """Return the most that was allocated since the last reset."""
        ...

    def reset_peak(self) -> None:
        """Begin a new account of the peak."""
        ...

    def release(self) -> None:
        """Give cached memory back, after an attempt that found too little."""
        ...


@dataclass(frozen=True)
class CudaProgram:
    """A step on the GPU."""

    step: Step
    driver: Driver
    clock: Clock
    peak: int

    def run(self, iterations: int) -> Turn:
        """Run that often in a row; times are the GPU's, host times those to enqueue."""
        marks = [(self.driver.event(), self.driver.event()) for _ in range(iterations)]
        host, began = [], self.clock.wall()
        try:
            for start, end in marks:
                start.record()
                enqueued_from = self.clock.wall()
                self.step()
                host.append(1e3 * (self.clock.wall() - enqueued_from))
                end.record()
            self.driver.synchronize()
        except RuntimeError as error:
            raise as_full(error) from error
        wall = 1e3 * (self.clock.wall() - began)
        times = tuple(start.elapsed_time(end) for start, end in marks)
        return Turn(times, tuple(host), wall)

    def peak_bytes(self) -> int | None:
        """The network and one step of it, workspaces included."""
        return self.peak


@dataclass(frozen=True)
class CudaDevice:
    """One GPU; `sampler` reads its clocks, temperature and company."""

    name: str
    driver: Driver
    sampler: Callable[[], Reading]
    clock: Clock = field(default_factory=SystemClock)
    loader: Callable[[Architecture, Regime, int, str], Step] = loaded
    facts: Mapping[str, str] = field(default_factory=dict)

    def load(self, network: Architecture, regime: Regime, batch: int) -> CudaProgram:
        """Build the network there and run it a few times; raises DeviceFullError."""
        try:
            return self._load(network, regime, batch)
        except RuntimeError as error:
            failure = as_full(error)
            if failure is error:
                raise
        # Only now: the error itself held the network.
        self.driver.release()
        raise failure

    def _load(self, network: Architecture, regime: Regime, batch: int) -> CudaProgram:
        before = self.driver.allocated_bytes()
        step = self.loader(network, regime, batch, self.name)
        peak = self._peak(step) - before
        if regime.mode == "graph":
            step = self.driver.capture(step)
        return CudaProgram(step, self.driver, self.clock, peak)

    def _peak(self, step: Step) -> int:
        """The peak of a step that is not the first: that one tries algorithms and compiles."""
        step()
        step()
        self.driver.synchronize()
        self.driver.reset_peak()
        step()
        self.driver.synchronize()
        return self.driver.peak_bytes()

    def read(self) -> Reading:
        """Ask the sampler."""
        return self.sampler()

    def conditions(self) -> dict[str, str]:
        """Name versions, the GPU, its driver and the settings of its allocator."""
        return {**conditions(self.name), **self.facts}
