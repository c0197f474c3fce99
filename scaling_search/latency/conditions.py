"""What a time depends on beside the network: machine, versions, threads, allocator, load."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

from scaling_search.cost.arithmetic import in_force

ALLOCATOR = (
    *("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "LD_PRELOAD"),
    "GLIBC_TUNABLES",
)
DEVICE_ALLOCATOR = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")  # its name now, and before


def conditions(device: str) -> dict[str, str]:
    """Facts by name, as text; those that are empty are left out."""
    settings = ALLOCATOR if device == "cpu" else ALLOCATOR + DEVICE_ALLOCATOR
    cudnn = torch.backends.cudnn.version() if device != "cpu" else None  # type: ignore[no-untyped-call]
    facts = {
        "machine": machine_name(device),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": (torch.version.cuda or "") if device != "cpu" else "",
        "cudnn": "" if cudnn is None else str(cudnn),
        "threads": str(torch.get_num_threads()),
        "allocator": " ".join(f"{k}={os.environ[k]}" for k in settings if k in os.environ),
        "float32": in_force(torch.device(device)),
        "load": " ".join(f"{each:.2f}" for each in os.getloadavg()) if _has_load() else "",
    }
    return {name: value for name, value in facts.items() if value}


def machine_name(device: str) -> str:
    """The device in words: the GPU's model, or the CPU's."""
    return torch.cuda.get_device_name(device) if device != "cpu" else _cpu_name()


def uuid_of(gpu: str) -> str:
    """The UUID of a GPU by torch's name of it, as NVML and nvidia-smi write it: "GPU-8f3c…"."""
    return f"GPU-{torch.cuda.get_device_properties(gpu).uuid}"


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _has_load() -> bool:
    return hasattr(os, "getloadavg")
