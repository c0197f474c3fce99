"""The CPU in a GPU's place: the same parts run to their end, and nothing is said of any GPU.

Numbers are the CPU's own where it has such: bytes of living tensors, reads of a tensor's value by
the host, operations started. Its graph runs the step again.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch._subclasses.fake_tensor import is_fake
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from gpu.card import Launches
from gpu.sizes import REHEARSAL, Sizes
from scaling_search.cost.step import Step
from scaling_search.latency.cuda import CapturedStep, CudaDevice, CudaEvent
from scaling_search.latency.job import Reading


class _Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often the host reads the value of a tensor."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += int(func is torch.ops.aten._local_scalar_dense.default)
        return func(*args, **(kwargs or {}))


@dataclass(frozen=True)
class StandIn:
    """The CPU."""

    sizes: Sizes = REHEARSAL
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    block_bytes: int = 1
    has_tf32: bool = False

    def synchronize(self) -> None:
        """Nothing is under way: a CPU's calls return when they are done."""

    def allocated_bytes(self) -> int:
        """The bytes of all tensors that Python holds."""
        return living_bytes()

    def peak_bytes(self, work: Callable[[], object]) -> int:
        """Those of before, and what torch's allocator gave out beyond them."""
        before = living_bytes()
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            work()
        return before + _most_beyond(seen)

    def waits(self, work: Callable[[], object]) -> int:
        """How often the host read the value of a tensor, for which it would wait for a GPU."""
        reads = _Reads()
        with reads:
            work()
        return reads.count

    def launches(self, work: Callable[[], object]) -> Launches:
        """The operations that torch's profiler saw."""
        began = time.perf_counter()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            work()
        operations = [e for e in seen.events() or [] if str(e.name).startswith("aten::")]
        return Launches(len(operations), 1e3 * (time.perf_counter() - began))

    @contextmanager
    def without_memory(self) -> Iterator[None]:
        """Every network that is built finds no memory."""
        lacking = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        with patch("scaling_search.jobs.starting_network.build", side_effect=lacking):
            yield

    def processes(self) -> int | None:
        """There is always this one."""
        return 1

    def timed(self) -> CudaDevice:
        """The profiler's GPU with a driver that is the CPU."""
        return CudaDevice(str(self.device), _Driver(), Reading)


class _Mark:
    """An event: all work before it is done when it is recorded."""

    def __init__(self) -> None:
        self.at = 0.0

    def record(self) -> None:
        self.at = time.perf_counter()

    def elapsed_time(self, end: Any, /) -> float:
        return 1e3 * float(end.at - self.at)


@dataclass(frozen=True)
class _Replay:
    step: Step

    def replay(self) -> object:
        return self.step()


class _Driver:
    """`latency.cuda.Driver` on a CPU."""

    def event(self) -> CudaEvent:
        return _Mark()

    def synchronize(self) -> None:
        pass

    def capture(self, step: Step) -> CapturedStep:
        return CapturedStep(step, _Replay(step))

    def allocated_bytes(self) -> int:
        return living_bytes()

    def peak_bytes(self) -> int:
        return living_bytes()

    def reset_peak(self) -> None:
        pass

    def release(self) -> None:
        gc.collect()


def living_bytes() -> int:
    """The bytes of all tensors of the CPU that Python holds, each storage once."""
    gc.collect()
    kinds = (torch.Tensor, torch.nn.Parameter)  # what compilers trace with has types of its own
    tensors = [each for each in gc.get_objects() if type(each) in kinds]
    real = [each for each in tensors if each.device.type == "cpu" and not is_fake(each)]
    storages = [each.untyped_storage() for each in real]
    return sum({each.data_ptr(): each.nbytes() for each in storages}.values())


def _most_beyond(seen: Any) -> int:
    """The most that was taken and not yet given back, by the profiler's record of it."""
    changes = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    live = most = 0
    for event in sorted(changes, key=lambda each: each.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most
