"""What only a GPU shows, on the first CUDA device, in at most eight minutes: a table of checks.

`python benchmarks/gpu_check.py [--seconds N] [--parts NAME …] [--out FOLDER]` does the parts of
`gpu/parts.py` in the order of their importance, each in a process of its own with a limit, and
names those that no longer fit. The exit status is 0 only if everything holds, 1 if something does
not, 2 without a CUDA device. Checks, rates, latencies and the environment are written to
results/gpu/<card>/.

`--rehearse` does the same on the CPU at a size of seconds. It says nothing of any GPU: it finds
what would fail for another reason before a card is paid for.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from gpu.check import Check, all_hold, table
from gpu.child import CHECKS
from gpu.parts import PARTS
from gpu.schedule import Schedule, Step

from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.latency.process_runner import interpreter_settings, machine_of

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 480.0
REHEARSAL = "a rehearsal on the CPU: nothing here says anything of a GPU"
NO_DEVICE = "gpu-check needs a CUDA device, got none: --rehearse does its parts on the CPU"


def steps(names: Sequence[str], folder: Path, *, rehearse: bool) -> list[Step]:
    """The parts of these names as commands; on a CPU they may be as slow as it is."""
    words = ("--rehearse",) if rehearse else ()
    return [
        Step(
            part.name,
            10 * part.seconds if rehearse else part.seconds,
            (sys.executable, "-m", "gpu.child", part.name, str(folder), *words),
        )
        for part in PARTS
        if part.name in names
    ]


def report(checks: Sequence[Check], folder: Path, title: str) -> str:
    """The table, which is also written to the folder."""
    text = f"# {title}\n\n{table(checks)}\n"
    write_atomically(folder / "checks.md", text)
    write_atomically(folder / "checks.json", as_json([asdict(check) for check in checks]))
    return text


def place(asked: str | None, machine: str, *, rehearse: bool) -> Path:
    """The folder of the results."""
    if asked is not None:
        return Path(asked)
    if rehearse:
        return Path(tempfile.mkdtemp(prefix="gpu-check-"))
    return ROOT / "results" / "gpu" / re.sub(r"[^a-z0-9]+", "-", machine.lower()).strip("-")


def asked_for() -> argparse.Namespace:
    """The command line."""
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all parts together")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--out", help="the folder of the results")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, in little")
    return parser.parse_args()


def main() -> int:
    """Do the parts; the exit status."""
    asked = asked_for()
    if not asked.rehearse and not torch.cuda.is_available():
        print(NO_DEVICE, file=sys.stderr)
        return 2
    paths = [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ.update(interpreter_settings(1))
    machine = "cpu" if asked.rehearse else machine_of("cuda")
    folder = place(asked.out, machine, rehearse=asked.rehearse)
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.jsonl"), *folder.glob("*.log")):
        old.unlink()
    schedule = Schedule(folder, folder / CHECKS, asked.seconds)
    checks = schedule.run(steps(asked.parts, folder, rehearse=asked.rehearse))
    print(report(checks, folder, REHEARSAL if asked.rehearse else machine))
    print(f"written to {folder}")
    return 0 if all_hold(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
