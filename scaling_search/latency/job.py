"""What is asked of the profiler and what one process brings back: frozen, and JSON both ways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import ClassVar, Literal, get_args

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require
from scaling_search.core.hashing import digest
from scaling_search.core.number_formats import MemoryFormat, Precision
from scaling_search.cost.task import Task

Mode = Literal["eager", "compile", "graph"]
BatchSize = int | Literal["plateau"]
PLATEAU: Literal["plateau"] = "plateau"


@dataclass(frozen=True)
class Regime:
    """How a network is run: the task, the batch, and everything that the time depends on.

    `batch` "plateau" is the one from which doubling gains less than 3 % images/s, found for each
    network. TF32 and CUDA graphs exist on CUDA alone. Raises UserError for what can't be.

    Examples:
        >>> from scaling_search.latency.job import Regime
        >>> Regime(batch="plateau", precision="bfloat16").task
        'inference'
        >>> Regime(batch=0)
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: batch must be at least 1, or plateau, got 0
    """

    task: Task = "inference"
    batch: BatchSize = 1
    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels-last"
    mode: Mode = "eager"

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for an unknown word, or a batch below 1."""
        words = {"task": Task, "precision": Precision, "memory_format": MemoryFormat, "mode": Mode}
        for name, choice in words.items():
            choices, value = get_args(choice), getattr(self, name)
            require(value in choices, f"{name} must be one of {', '.join(choices)}", value)
        good = self.batch == PLATEAU or (isinstance(self.batch, int) and self.batch >= 1)
        require(good, "batch must be at least 1, or plateau", self.batch)
        scaled = (self.task, self.precision, self.mode) == ("training", "float16", "graph")
        require(
            not scaled,
            "a CUDA graph can't hold the loss scaling of float16 training",
            self.words,
            "take bfloat16, or another mode",
        )

    @property
    def words(self) -> str:
        """The regime as one short text: "inference, batch 1, float32, channels-last, eager"."""
        batch = "plateau batch" if self.batch == PLATEAU else f"batch {self.batch}"
        return ", ".join((self.task, batch, self.precision, self.memory_format, self.mode))


@dataclass(frozen=True)
class TimeBudget:
    """How long may be measured: `seconds` an attempt, shared by `processes` fresh processes.

    Warm-up and set-up come on top. An unstable attempt is followed by another, after a pause that
    doubles, up to `attempts`. Raises UserError for what can't be.

    Examples:
        >>> from scaling_search.latency.job import TimeBudget
        >>> TimeBudget(seconds=30.0, processes=5).sitting_seconds
        6.0
    """

    seconds: float = 30.0
    processes: int = 3
    attempts: int = 2

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for no time, no process or no attempt."""
        require(0 < self.seconds < inf, "seconds must be positive and finite", self.seconds)
        require(self.processes >= 1, "processes must be at least 1", self.processes)
        require(self.attempts >= 1, "attempts must be at least 1", self.attempts)

    @property
    def sitting_seconds(self) -> float:
        """The share of one process."""
        return self.seconds / self.processes


@dataclass(frozen=True)
class Machine:
    """Where it is timed: a torch device, what that is in words, and its threads on a CPU."""

    device: str = "cpu"
    machine: str = ""
    threads: int = 1

    @property
    def alone(self) -> str:
        """Words for which of a machine's GPUs it is; nothing on a CPU, of which there is one."""
        return "" if self.device == "cpu" else f" on {self.device} alone ({self.machine})"


@dataclass(frozen=True)
class TimeJob:
    """Time these networks beside the anchor in one regime, on one machine.

    The machine counts for the identity, the number of its device does not: a time is valid for
    the device it was taken on and for no other.
    """

    networks: tuple[Architecture, ...]
    anchor: Architecture
    regime: Regime
    budget: TimeBudget
    place: Machine
    seed: int = 0

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the content."""
        return digest(
            {
                "kind": "timing",
                "networks": [network.fingerprint for network in self.networks],
                "anchor": self.anchor.fingerprint,
                "regime": self.regime,
                "budget": self.budget,
                "machine": self.place.machine,
                "threads": self.place.threads,
                "seed": self.seed,
            }
        )

    @property
    def line_up(self) -> tuple[Architecture, ...]:
        """All that is timed in each block: the anchor, then the networks.

        A network that equals the anchor is timed beside it all the same: its ratio shows what
        two runs of the same thing differ by.
        """
        return (self.anchor, *self.networks)


@dataclass(frozen=True)
class Sample:
    """One network's turn in one block; `place` is its index in the line-up.

    `times_ms` has one entry an iteration: wall time on a CPU, the time between two events on a
    GPU. `host_ms` beside it: the thread's own time on a CPU (empty with several threads), the
    time to enqueue on a GPU. `wall_ms` is the whole turn, its one synchronisation included.
    """

    place: int
    block: int
    times_ms: tuple[float, ...]
    host_ms: tuple[float, ...]
    wall_ms: float


@dataclass(frozen=True)
class Reading:
    """The device's state after a block; None is what could not be read.

    `foreign` is how much others use it: cores' worth of a CPU's time, processes on a GPU.
    `cores` is what there is of them, 0 on a GPU.
    """

    foreign: float | None = None
    cores: int = 0
    clock_mhz: float | None = None
    temperature_c: float | None = None
    throttle_reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class WarmUp:
    """What was found about one network of the line-up before the blocks began.

    `batch` is the one it was timed at. `failure` says why it could not be timed at all, `limit`
    why its batch did not grow further.
    """

    batch: int
    warm_up_iterations: int = 0
    settled: bool = False
    peak_bytes: int | None = None
    failure: str = ""
    limit: str = ""


@dataclass(frozen=True)
class ProcessRun:
    """All that one process measured: raw samples, readings, and its conditions by name."""

    seats: tuple[WarmUp, ...]
    visits: tuple[Sample, ...]
    readings: tuple[Reading, ...]
    conditions: dict[str, str]
