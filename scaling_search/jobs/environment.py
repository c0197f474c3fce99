"""What a result was obtained with: versions, machine, device, threads, commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from scaling_search.cost.latency.conditions import machine_name
from scaling_search.errors import UserError

PACKAGE = Path(__file__).parents[1]
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
        "git commit": commit_of(PACKAGE),
    }
    return {name: value for name, value in found.items() if value}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def commit_of(package: Path) -> str:
    """The commit of a package's own checkout, "-dirty" when changed; empty where it is installed.

    A package that lies in somebody else's repository (in an environment there, or copied into it)
    is no part of it: the repository must begin with the package's own project file.
    """
    top = _git(package, "rev-parse", "--show-toplevel")
    if not top or package.parent.resolve() != Path(top).resolve():
        return ""
    try:
        project = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if project.get("project", {}).get("name", "").replace("-", "_") != package.name:
        return ""
    return _git(package, "describe", "--always", "--dirty", "--abbrev=12", "--match=")


def _git(folder: Path, *words: str) -> str:
    """What git says of the repository that a folder lies in; empty where it says nothing."""
    # Within a hook these would name the repository of whoever runs us.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=10, env=clean
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
