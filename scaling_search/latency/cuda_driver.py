"""The driver calls themselves: the one file of the profiler that only a GPU can run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import cast

import torch

from scaling_search.cost.current_device import make_current
from scaling_search.cost.device_memory import give_back
from scaling_search.cost.step import Step
from scaling_search.latency.cuda import CapturedStep, CudaDevice, CudaEvent
from scaling_search.latency.nvml import driver_version, sampler
from scaling_search.latency.protocol import Clock

CAPTURE_WARM_UP = 3


@dataclass(frozen=True)
class TorchDriver:
    """torch's own calls, on the device and its current stream."""

    device: torch.device

    def event(self) -> CudaEvent:
        """Make a mark that can tell the time."""
        return cast("CudaEvent", torch.cuda.Event(enable_timing=True))  # type: ignore[no-untyped-call]

    def synchronize(self) -> None:
        """Wait for all enqueued work."""
        torch.cuda.synchronize(self.device)

    def capture(self, step: Step) -> CapturedStep:
        """Make a CUDA graph of the step, warmed up on a side stream as torch asks for."""
        current, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(CAPTURE_WARM_UP):
                step()
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return CapturedStep(step, graph)

    def allocated_bytes(self) -> int:
        """Return what is allocated now."""
        return torch.cuda.memory_allocated(self.device)

    def peak_bytes(self) -> int:
        """Return the most that was allocated since the last reset."""
        return torch.cuda.max_memory_allocated(self.device)

    def reset_peak(self) -> None:
        """Begin a new account of the peak."""
        torch.cuda.reset_peak_memory_stats(self.device)

    def release(self) -> None:
        """Give back what nothing refers to."""
        give_back(self.device)


def cuda_device(name: str, clock: Clock) -> CudaDevice:
    """The GPU called `name` ("cuda" or "cuda:N"), made the current one of this process."""
    index = torch.device(name).index or 0
    make_current(torch.device("cuda", index))
    # The shapes never change here, so the search for the fastest algorithm pays.
    torch.backends.cudnn.benchmark = True
    uuid = str(torch.cuda.get_device_properties(index).uuid)
    driver = TorchDriver(torch.device("cuda", index))
    facts = {"driver": driver_version(), "cudnn.benchmark": "on"}
    stated = {fact: value for fact, value in facts.items() if value}
    read = sampler(uuid, os.getpid(), frozenset({os.getppid()}))
    return CudaDevice(name, driver, read, clock, facts=stated)
