"""Copies of one training at the same time, each in a process of its own, as a run's workers train.

What one of them does alone it does not do beside the others: they share caches, memory and a card.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from pydantic import TypeAdapter

from scaling_search.core.child_interpreter import CLOSING_SECONDS, child_command
from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.jobs.job import TrainJob, job_to_json
from scaling_search.jobs.step_rate import StepRate
from scaling_search.latency.process_runner import interpreter_settings

_RATES = TypeAdapter(StepRate)


class Copies:
    """So many processes that measure the same training at the same time; they end with the block.

    Each is started with `environment` beside what a run's workers are started with, and measures
    on `device`.
    """

    def __init__(self, number: int, device: str, environment: Mapping[str, str]) -> None:
        settings = {**interpreter_settings(1), TRAININGS_AT_ONCE: str(number), **environment}
        self._device = device
        self._copies = [_Copy(settings) for _ in range(number)]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start the processes."""
        for copy in self._copies:
            self._stack.enter_context(copy)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End them."""
        self._stack.close()

    def measure(self, job: TrainJob, seconds: float) -> StepRate:
        """What all measured, their blocks put together; a failure once one of them has died.

        None is timed before all have done their first steps.
        """
        order = {"job": job_to_json(job), "device": self._device, "seconds": seconds}
        for words in (json.dumps(order), "go"):
            for copy in self._copies:
                copy.tell(words)
            answers = [copy.answer() for copy in self._copies]
        return pooled([_RATES.validate_json(answer) for answer in answers])


def pooled(rates: Sequence[StepRate]) -> StepRate:
    """The blocks of all; a failure of one is that of all, since a run would have as many at once.

    Examples:
        >>> from scaling_search.jobs.step_rate import StepRate
        >>> from scaling_search.jobs.step_rate_copies import pooled
        >>> pooled([StepRate((1.0,), (0.5,)), StepRate((3.0,), (0.7,))])
        StepRate(train=(1.0, 3.0), score=(0.5, 0.7), failure='')
    """
    failed = next((rate for rate in rates if rate.failure), None)
    if failed is not None:
        return failed
    train = tuple(seconds for rate in rates for seconds in rate.train)
    return StepRate(train, tuple(seconds for rate in rates for seconds in rate.score))


@dataclass
class _Copy:
    """A process that measures; it ends with the block."""

    settings: Mapping[str, str]

    def __enter__(self) -> Self:
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            child_command("scaling_search.jobs.step_rate_process"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **self.settings},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.kill()
        with suppress(BrokenPipeError):  # an order that it never read
            self._process.stdin.close()
        with self._process, self._log:
            pass

    def tell(self, words: str) -> None:
        """Hand it a line; if it has died, `answer` says so."""
        assert self._process.stdin is not None  # noqa: S101
        try:
            self._process.stdin.write(f"{words}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            self._process.kill()

    def answer(self) -> str:
        """The next line that it says; a failure once it has died."""
        assert self._process.stdout is not None  # noqa: S101
        line = self._process.stdout.readline().decode()
        if line:
            return line
        with suppress(subprocess.TimeoutExpired):  # it closes the pipe before it says why
            self._process.wait(CLOSING_SECONDS)
        return json.dumps({"failure": f"its process ended, saying {self._last_words()}"})

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
