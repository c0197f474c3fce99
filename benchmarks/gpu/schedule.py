"""Parts one after the other, each in a process of its own, until the time of all is up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gpu.check import Check

LEAST_SECONDS = 12.0  # a process that imports torch and asks for the device has taken half of them
LAST_SECONDS = 3.0  # for the table
GRACE_SECONDS = 4.0
ENDS = "it ends"


@dataclass(frozen=True)
class Step:
    """A part as a command, which is ended after so many seconds."""

    name: str
    seconds: float
    command: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """Runs steps within `total_seconds`; what they print goes to `folder`/NAME.log.

    `checks` is the file to which they add their checks, a line each. `end_of` waits for a process,
    for so many seconds at most, as Popen.wait.
    """

    folder: Path
    checks: Path
    total_seconds: float
    say: Callable[[str], None] = print
    clock: Callable[[], float] = time.monotonic
    end_of: Callable[[subprocess.Popen[bytes], float], int] = subprocess.Popen.wait

    def run(self, steps: Sequence[Step]) -> list[Check]:
        """All checks in order; a step that fails, is ended or does not fit is one that failed."""
        began, found = self.clock(), list[Check]()
        for step in steps:
            left = self.total_seconds - (self.clock() - began) - LAST_SECONDS
            if left < LEAST_SECONDS:
                found.append(
                    Check(step.name, ENDS, "in time", f"left out, {left:.0f} s left", False)
                )
                self.say(f"{step.name}: left out")
                continue
            found += self._step(step, min(step.seconds, left))
        return found

    def _step(self, step: Step, limit: float) -> list[Check]:
        seen, began = len(self._lines()), self.clock()
        status = self._status(step.command, self.folder / f"{step.name}.log", limit)
        took = self.clock() - began
        checks = [Check(**json.loads(line)) for line in self._lines()[seen:]]
        ended = f"over its limit of {limit:.0f} s" if status is None else f"status {status}"
        self.say(f"{step.name}: {ended if status != 0 else 'done'}, {took:.1f} s")
        if status == 0 and checks:
            return checks
        said = f"{ended}, {len(checks)} checks done: {step.name}.log"
        return [*checks, Check(step.name, ENDS, "with status 0 and checks", said, False)]

    def _status(self, command: Sequence[str], log: Path, limit: float) -> int | None:
        """The status with which the command and all that it starts end; None: they were ended."""
        with log.open("wb") as file:
            child = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        try:
            return self.end_of(child, limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(child)

    def _lines(self) -> list[str]:
        """The whole lines of the file of checks; one that was cut off is none."""
        if not self.checks.exists():
            return []
        return self.checks.read_text(encoding="utf-8").split("\n")[:-1]


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child's whole session: what it started must not run beside the next part."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
