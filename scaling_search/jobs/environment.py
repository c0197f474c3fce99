"""What a result was obtained with: versions, machine, device, threads, commit."""

from __future__ import annotations

import logging
import os
import platform
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from scaling_search.core.errors import UserError
from scaling_search.latency.conditions import machine_name
from scaling_search.latency.gpu_facts import cards, driver_versions, usable
from scaling_search.latency.process_runner import machine_of

# The entries that a training's record repeats: kernels, and so last bits, hang on them.
DEVICE, CAPABILITY = "device", "cpu capability"

_log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]
PACKAGES = ("scaling-search", "torch", "torchvision", "optuna", "numpy", "pandas", "scipy")


def chosen_device(name: str) -> str:
    """The torch device for "auto", "cpu", "cuda" or "cuda:N"; raises UserError if there is none.

    Where "auto" comes to the CPU of a machine whose GPU torch can't use, a warning is logged, once.

    Examples:
        >>> from scaling_search.jobs.environment import chosen_device
        >>> chosen_device("cpu")
        'cpu'
        >>> chosen_device("gpu")
        Traceback (most recent call last):
            ...
        scaling_search.core.errors.UserError: device must be auto, cpu, cuda or cuda:N, got 'gpu'
    """
    if name == "auto":
        return _best_device()
    match = re.fullmatch(r"cpu|cuda(?::([0-9]+))?", name)
    if match is None:
        raise UserError(f"device must be auto, cpu, cuda or cuda:N, got {name!r}")
    if name != "cpu" and int(match[1] or 0) >= torch.cuda.device_count():
        raise UserError(f"a CUDA device must be present, got {name!r}: choose --device cpu")
    return name


def _best_device() -> str:
    is_usable, reason = usable()
    if is_usable:
        return "cuda"
    if count := cards():
        _warn_of_unused(count, reason)
    return "cpu"


@cache
def _warn_of_unused(count: int, reason: str) -> None:
    cause = reason or ("it finds none" if torch.version.cuda else "it was built without CUDA")
    _log.warning(
        "device auto needs a GPU that torch can use, got %d NVIDIA GPU%s that it can't (%s), and "
        "takes the CPU: mend the driver or torch, or ask for --device cpu",
        count,
        "" if count == 1 else "s",
        cause,
    )


def environment(device: str, workers: int) -> dict[str, str]:
    """Versions, machine and settings by name, as text."""
    entries = {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": machine_name("cpu"),
        "cores": str(os.cpu_count()),
        # Asked of a child: this process would live on a GPU beside those that train there.
        DEVICE: machine_of(device),
        CAPABILITY: _capability(),
        **(driver_versions() if device != "cpu" else {}),
        "workers": str(workers),
        "threads per worker": "1",
        "git commit": commit_of(PACKAGE),
    }
    return {name: value for name, value in entries.items() if value}


def where_on(device: str) -> dict[str, str]:
    """The device in words and the CPU instructions that torch uses, as "AVX2": a record's `where`.

    The latter matter on a GPU too: weights are drawn on the CPU.
    """
    return {DEVICE: machine_name(device), CAPABILITY: _capability()}


def _capability() -> str:
    # Set lower by the variable ATEN_CPU_CAPABILITY than the CPU's model says.
    return str(torch.backends.cpu.get_cpu_capability())


def where_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that a training's record repeats."""
    return {name: environment[name] for name in (DEVICE, CAPABILITY) if name in environment}


def mixture(wheres: Iterable[Mapping[str, str]]) -> str:
    """How many trainings each kind of device did: "9 on AMD EPYC (AVX2), 3 on AMD EPYC (AVX512)".

    Empty where all may be of one kind: older records do not know the capability, and so tell no
    two kinds of one device apart.

    Examples:
        >>> from scaling_search.jobs.environment import mixture
        >>> epyc = {"device": "AMD EPYC", "cpu capability": "AVX512"}
        >>> xeon = {"device": "Intel Xeon", "cpu capability": "AVX2"}
        >>> mixture([epyc, epyc, xeon])
        '2 on AMD EPYC (AVX512), 1 on Intel Xeon (AVX2)'
    """
    kinds = Counter((where.get(DEVICE, ""), where.get(CAPABILITY, "")) for where in wheres)
    devices = {device for device, _ in kinds if device}
    complete = {kind for kind in kinds if all(kind)}
    if max(len(devices), len(complete)) < 2:
        return ""
    ordered = sorted((-count, _in_words(*kind)) for kind, count in kinds.items())
    return ", ".join(f"{-count} on {words}" for count, words in ordered)


def _in_words(device: str, capability: str) -> str:
    return f"{device or 'an unknown device'} ({capability or 'CPU capability unknown'})"


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
        process = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=10, env=clean
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return process.stdout.strip() if process.returncode == 0 else ""
