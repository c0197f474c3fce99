"""What a result was obtained with: versions, machine, device, threads, commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from scaling_search.cost.latency.conditions import machine_name
from scaling_search.errors import UserError

PACKAGES = ("scaling-search", "torch", "torchvision", "optuna", "numpy", "pandas", "scipy")


def chosen_device(asked: str) -> str:
    """The torch device for "auto", "cpu", "cuda" or "cuda:N"; raises UserError if there is none."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    match = re.fullmatch(r"cpu|cuda(?::([0-9]+))?", asked)
    if match is None:
        raise UserError(f"device must be auto, cpu, cuda or cuda:N, got {asked!r}")
    if asked != "cpu" and int(match[1] or 0) >= torch.cuda.device_count():
        raise UserError(f"a CUDA device must be present, got {asked!r}: choose --device cpu")
    return asked


def environment(device: str, workers: int) -> dict[str, str]:
    """Versions, machine and settings by name, as text."""
    found = {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": machine_name("cpu"),
        "cores": str(os.cpu_count()),
        "device": machine_name(device),
        "workers": str(workers),
        "threads per worker": "1",
        "git commit": _commit(),
    }
    return {name: value for name, value in found.items() if value}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    """The commit of the package's own checkout, "-dirty" when changed; empty outside one."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12", "--match="]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
