"""What NVML says of a GPU: clock, temperature, why it is slowed down, who else is on it.

Nothing is ever set. Without nvidia-ml-py (the extra `gpu`) a reading is empty, not a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scaling_search.latency.job import Reading

# NVML's bits that mean "slower than it could be"; idle and user settings are others.
SLOWED_BY = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "heat (software)",
    0x40: "heat (hardware)",
    0x80: "power brake",
}


@dataclass(frozen=True)
class NvmlSampler:
    """Reads one GPU through the module `nvml` (pynvml); `pid` is ours.

    `waiting` are processes that wait for this one's answer, such as the driver of a run that has
    trained in its own process: they are on the GPU, and are no load.
    """

    nvml: Any
    handle: Any
    pid: int
    waiting: frozenset[int] = frozenset()

    def __call__(self) -> Reading:
        """Read once."""
        nvml, handle = self.nvml, self.handle
        clock = self._try(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM)
        heat = self._try(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU)
        bits = self._try(nvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle)
        return Reading(
            foreign=self._foreign(),
            clock_mhz=None if clock is None else float(clock),
            temperature_c=None if heat is None else float(heat),
            throttle_reasons=slowed_by(int(bits or 0)),
        )

    def _foreign(self) -> float | None:
        listed = self._try(self.nvml.nvmlDeviceGetComputeRunningProcesses, self.handle)
        if listed is None:
            return None
        pids = {process.pid for process in listed}
        # In a container NVML gives the host's numbers: ours is then one of the strangers'.
        ours = {self.pid} if self.pid in pids else set(sorted(pids)[:1])
        return float(len(pids - ours - self.waiting))

    def _try(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return ask(*arguments)
        except self.nvml.NVMLError:  # not every card answers everything
            return None


def slowed_by(bits: int) -> tuple[str, ...]:
    """The reasons, in words, in NVML's mask.

    Examples:
        >>> from scaling_search.latency.nvml import SLOWED_BY, slowed_by
        >>> slowed_by(0), len(slowed_by(sum(SLOWED_BY))) == len(SLOWED_BY)
        ((), True)
    """
    return tuple(reason for bit, reason in SLOWED_BY.items() if bits & bit)


def card_count() -> int:
    """How many GPUs the driver knows; 0 where NVML is missing or finds no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except ImportError:
        return 0
    except pynvml.NVMLError:
        return 0


def driver_version() -> str:
    """The version of the GPU's driver; empty where NVML is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
        version = pynvml.nvmlSystemGetDriverVersion()
    except ImportError:
        return ""
    except pynvml.NVMLError:
        return ""
    return version.decode() if isinstance(version, bytes) else str(version)


def sampler(uuid: str, pid: int, waiting: frozenset[int] = frozenset()) -> Callable[[], Reading]:
    """A reader of the GPU with this UUID; an empty one where NVML is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except ImportError:
        return Reading
    except pynvml.NVMLError:
        return Reading
    return NvmlSampler(pynvml, handle, pid, waiting)


def memory_share(uuid: str) -> float | None:
    """The used part of the memory of the GPU with this UUID ("GPU-…"); None where NVML is silent.

    All processes' memory counts.
    """
    try:
        import pynvml

        pynvml.nvmlInit()
        memory = pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByUUID(uuid))
    except ImportError:
        return None
    except pynvml.NVMLError:
        return None
    return float(memory.used) / float(memory.total)
