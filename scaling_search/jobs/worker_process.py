"""A worker process as its driver sees it: orders go in, answers come out, its last words stay."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

from scaling_search.core.child_interpreter import child_command
from scaling_search.jobs.job import TrainJob, job_to_json
from scaling_search.jobs.place import Place

PROGRAM = "scaling_search.jobs.worker"
LAST_BYTES = 4096


class WorkerProcess:
    """A `scaling_search.jobs.worker` that runs; what it prints goes to the end of `log`.

    Its answers have a pipe of their own: whatever is printed, be it while it starts, is none.
    """

    def __init__(self, log: Path, environment: Mapping[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        reading, writing = os.pipe()
        self.answers_from = os.fdopen(reading, "rb")
        with log.open("ab") as file, _blocked(signal.SIGUSR2), os.fdopen(writing, "wb"):
            self._log_began = file.tell()
            self._process = subprocess.Popen(
                child_command(PROGRAM, writing),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                pass_fds=[writing],
                env={**os.environ, **environment},
                start_new_session=True,  # Ctrl-C is the driver's; it tells the workers itself
            )
        self._orders = cast("IO[bytes]", self._process.stdin)
        self._unread = b""

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def order(self, job: TrainJob, place: Place, *, counts: bool = False) -> None:
        """Hand it a job, whose steps it may count. If it has died, `answers` will say so."""
        content = {"job": job_to_json(job), "place": asdict(place), "counts": counts}
        order = json.dumps(content)
        try:
            self._orders.write(order.encode() + b"\n")
            self._orders.flush()
        except BrokenPipeError:
            self._process.kill()

    def answers(self) -> list[dict[str, Any]] | None:
        """What it has said since the last call, waiting for something; None once it has died."""
        content = os.read(self.answers_from.fileno(), 1 << 16)
        if not content:
            return None
        *lines, self._unread = (self._unread + content).split(b"\n")
        return [json.loads(line) for line in lines]

    def ask_to_stop(self) -> None:
        """Let it stop at its next step, its checkpoint written."""
        self._process.terminate()

    def end(self, grace_seconds: float = 0.0) -> int:
        """Kill it unless it ends in that time; its exit status, negative for a signal's number."""
        try:
            status = self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self.answers_from.close()
        with suppress(BrokenPipeError):  # an order that it never read
            self._orders.close()
        return status

    def last_words(self) -> str:
        """The last line that this process wrote to its log, or nothing."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_began, size - LAST_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


@contextmanager
def _blocked(number: signal.Signals) -> Iterator[None]:
    """Within this block the signal waits, and so it does for every process started here."""
    earlier_mask = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier_mask)
