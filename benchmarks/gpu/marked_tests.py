"""The tests that are marked `gpu`, by pytest in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from gpu.card import Card
from gpu.check import Check, equal

ROOT = Path(__file__).resolve().parents[2]
MARK = "pytest.mark.gpu"
OPTIONS = (
    "-m",
    "gpu and not slow",
    "-o",
    "addopts=",
    "-o",
    "filterwarnings=default",
    "-q",
    "-rA",
    "--durations=8",
    "-p",
    "no:cacheprovider",
)


def marked_tests_part(card: Card, out: Path) -> Iterator[Check]:
    """Its exit status and last line; the whole output is kept beside."""
    name, expected = "exit status of the tests marked gpu", "0"
    if find_spec("pytest") is None:
        yield Check("tests", name, expected, "pytest is not installed", False)
        return
    files = card.sizes.tests or marked()
    command = [sys.executable, "-m", "pytest", *OPTIONS, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    (out / "tests.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    yield equal("tests", f"{name} ({last.strip('= ')})", done.returncode, 0)


def marked() -> list[str]:
    """The test files in which something is marked."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in files if MARK in path.read_text("utf-8")]
