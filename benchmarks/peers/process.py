"""The driver's side of a child: started on its cores with its settings, told when to train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self, cast

from scaling_search.latency.process_runner import interpreter_settings

HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Rate:
    """Images per wall second and per CPU second (of the processes that train, not that load)."""

    of_wall: float
    of_cpu: float


@dataclass
class Team:
    """One or more children with the same loop that train at the same time on the same cores.

    A context manager. Ours have the settings that a worker has; the others have torch's own.
    """

    asked: Mapping[str, Any]
    cores: Sequence[int]
    children: int = 1
    first: list[dict[str, Any]] = field(default_factory=list)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start the children and let each train an epoch, which is not timed."""
        with _bound(self.cores):
            self._running = [self._start() for _ in range(self.children)]
        self.first = [_answer(child) for child in self._running]
        self.epoch()
        return self

    def __exit__(self, *_: object) -> None:
        """End the children."""
        for child in self._running:
            cast("IO[bytes]", child.stdin).close()
        for child in self._running:
            child.wait()

    def epoch(self) -> Rate:
        """Let every child train an epoch; from the first order to the last answer."""
        began = time.perf_counter()
        for child in self._running:
            orders = cast("IO[bytes]", child.stdin)
            orders.write(b"go\n")
            orders.flush()
        answers = [_answer(child) for child in self._running]
        wall = time.perf_counter() - began
        images = sum(answer["images"] for answer in answers)
        return Rate(images / wall, images / sum(answer["cpu_seconds"] for answer in answers))

    def _start(self) -> subprocess.Popen[bytes]:
        ours = self.asked["loop"].startswith("ours")
        return subprocess.Popen(
            [sys.executable, "-m", "peers.child", json.dumps(dict(self.asked))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_plain_environment() | (interpreter_settings(1) if ours else {}),
        )


def _plain_environment() -> dict[str, str]:
    """This process's environment, with torch's default threads and glibc's own allocator."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_NUM_THREADS") and not name.startswith("MALLOC_")
    }
    return kept | {"PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}


def _answer(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = cast("IO[bytes]", child.stdout).readline()
    if not line:
        raise RuntimeError(f"a child ended with status {child.wait()}; see what it printed above")
    found: dict[str, Any] = json.loads(line)
    return found


@contextmanager
def _bound(cores: Sequence[int]) -> Iterator[None]:
    """What is started within this block stays on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
