"""What there is of CUDA on this machine: versions, and cards that torch can't use."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from scaling_search.latency.nvml import card_count, driver_version

# The kernel's module says these without any library of NVIDIA's.
CARDS = Path("/proc/driver/nvidia/gpus")
MODULE = Path("/proc/driver/nvidia/version")
_HIDDEN = ("", "-1")  # of CUDA_VISIBLE_DEVICES: the user wants none


def driver_versions() -> dict[str, str]:
    """The versions of CUDA and cuDNN that torch has, and of the driver; those that are known."""
    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    facts = {
        "cuda": torch.version.cuda or "",
        "cudnn": "" if cudnn is None else str(cudnn),
        "driver": driver_version() or _module_version(),
    }
    return {name: value for name, value in facts.items() if value}


def usable() -> tuple[bool, str]:
    """Whether torch can use a CUDA device, and if not what it says of that (nothing: no reason)."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            there = torch.cuda.is_available()
        except RuntimeError as error:
            return False, _first_line(error)
    return there, _first_line(warned[0].message) if warned and not there else ""


def cards(environment: Mapping[str, str] = os.environ) -> int:
    """How many NVIDIA GPUs this machine has, whether torch can use them or not; 0 if hidden."""
    if environment.get("CUDA_VISIBLE_DEVICES") in _HIDDEN:
        return 0
    try:
        listed = len(list(CARDS.iterdir()))
    except OSError:
        listed = 0
    return listed or card_count()


def _module_version() -> str:
    try:
        match = re.search(r"Kernel Module.*?\s(\d[\d.]+)\s", MODULE.read_text())
    except OSError:
        return ""
    return match[1] if match else ""


def _first_line(text: object) -> str:
    return str(text).partition("\n")[0].strip()
