"""What all was obtained with, and whether asking for it leaves this process on the GPU."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, at_most, equal
from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.jobs.environment import environment

FACTS = "name,driver_version,memory.total,compute_mode,clocks.sm,clocks.max.sm,power.limit"
RECORDED = ("cuda", "cudnn", "driver")


def environment_part(card: Card, out: Path) -> Iterator[Check]:
    """The environment as a run records it, and as many processes on the GPU after as before."""
    before = card.processes()
    found = environment(card.device.type, 1)
    after = card.processes()
    write_atomically(out / "environment.json", as_json({**found, "nvidia-smi": _facts()}))
    if before is None or after is None:
        seen = "nvidia-smi does not answer"
        yield Check("environment", "processes that it leaves on the GPU", "0", seen, False)
    else:
        yield at_most("environment", "processes that it leaves on the GPU", after - before, 0)
    lacking = [name for name in RECORDED if name not in found and card.device.type != "cpu"]
    yield equal("environment", "versions that are not recorded", lacking, [])


def _facts() -> str:
    """The GPU in nvidia-smi's words; empty where there is none."""
    command = ["nvidia-smi", f"--query-gpu={FACTS}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
