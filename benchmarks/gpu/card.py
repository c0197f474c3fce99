"""What the parts ask of a device, and how a real GPU answers."""

from __future__ import annotations

import gc
import subprocess
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch.profiler import ProfilerActivity, profile

from gpu.sizes import Sizes
from scaling_search.cost.memory import CUDA_BLOCK_BYTES
from scaling_search.latency.cuda import CudaDevice
from scaling_search.latency.cuda_driver import cuda_device
from scaling_search.latency.protocol import SystemClock

ROOM_BYTES = 8 << 20  # what is left free where memory is to lack: less than one training takes
_WAITS = "called a synchronizing"  # torch's words, in its debug mode
_QUERY = ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader"]


@dataclass(frozen=True)
class Launches:
    """What a piece of work started on the device, and how long that was busy with it."""

    count: int
    busy_ms: float


class Card(Protocol):
    """A device, and what the parts want to know of it."""

    @property
    def sizes(self) -> Sizes:
        """How much each part does."""

    @property
    def device(self) -> torch.device:
        """torch's name of it."""

    @property
    def block_bytes(self) -> int:
        """What its allocator rounds a tensor's bytes up to."""

    @property
    def has_tf32(self) -> bool:
        """Whether it can multiply shorter float32 numbers."""

    def synchronize(self) -> None:
        """Wait for all that is under way."""

    def allocated_bytes(self) -> int:
        """What tensors hold now."""

    def peak_bytes(self, work: Callable[[], object]) -> int:
        """The most that tensors held at once during the work, those of before included."""

    def waits(self, work: Callable[[], object]) -> int:
        """How often the host waited for the device during the work."""

    def launches(self, work: Callable[[], object]) -> Launches:
        """What the work started on the device."""

    def without_memory(self) -> AbstractContextManager[None]:
        """Within this block no training finds the memory that it needs."""

    def processes(self) -> int | None:
        """How many processes are on the device; None where nothing says so."""

    def timed(self) -> CudaDevice:
        """The device as the latency profiler sees it."""


@dataclass(frozen=True)
class Gpu:
    """The first CUDA device that this process sees."""

    sizes: Sizes = field(default_factory=Sizes)
    device: torch.device = field(default_factory=lambda: torch.device("cuda:0"))
    block_bytes: int = CUDA_BLOCK_BYTES
    has_tf32: bool = True

    def synchronize(self) -> None:
        """Wait for all that is under way."""
        torch.cuda.synchronize(self.device)

    def allocated_bytes(self) -> int:
        """What torch's allocator has given out."""
        gc.collect()
        return torch.cuda.memory_allocated(self.device)

    def peak_bytes(self, work: Callable[[], object]) -> int:
        """The peak of torch's allocator."""
        self.synchronize()
        torch.cuda.reset_peak_memory_stats(self.device)
        work()
        self.synchronize()
        return torch.cuda.max_memory_allocated(self.device)

    def waits(self, work: Callable[[], object]) -> int:
        """How many synchronising calls torch's debug mode names; where, goes to the log."""
        self.synchronize()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                work()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        waited = [each for each in said if _WAITS in str(each.message)]
        for where, times in Counter(f"{each.filename}:{each.lineno}" for each in waited).items():
            print(f"waited {times} times at {where}")
        return len(waited)

    def launches(self, work: Callable[[], object]) -> Launches:
        """The kernels and copies that torch's profiler saw."""
        self.synchronize()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
            work()
            self.synchronize()
        kernels = [e for e in seen.events() or [] if "CUDA" in str(e.device_type)]
        return Launches(len(kernels), sum(_microseconds(e) for e in kernels) / 1e3)

    @contextmanager
    def without_memory(self) -> Iterator[None]:
        """Take all of the device's memory but for a little."""
        gc.collect()
        torch.cuda.empty_cache()
        free = torch.cuda.mem_get_info(self.device)[0]
        ballast = torch.empty(free - ROOM_BYTES, dtype=torch.uint8, device=self.device)
        try:
            yield
        finally:
            del ballast
            torch.cuda.empty_cache()

    def processes(self) -> int | None:
        """How many nvidia-smi lists."""
        try:
            done = subprocess.run(_QUERY, capture_output=True, text=True, check=True, timeout=20)
        except (OSError, subprocess.SubprocessError):
            return None
        return len(done.stdout.split())

    def timed(self) -> CudaDevice:
        """The device as the latency profiler sees it."""
        return cuda_device(str(self.device), SystemClock())


def _microseconds(event: Any) -> float:
    # Its name before torch 2.6 was another one; some profilers keep both.
    return float(getattr(event, "device_time_total", 0.0))
