"""Being asked to make room: what a scheduler's SIGTERM or SIGUSR2 does to a run.

Either signal sets a flag, and neither kills. While trainings run, the flag is asked for at every
step: the workers, or the training in this process, write their checkpoints and end, within a grace
period. At any other time, when there is no checkpoint to write, the run is interrupted at once.
The exit status says that the run wants to be started again.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

REQUEUE = 75  # EX_TEMPFAIL of sysexits.h: try again later
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)


class PreemptedError(KeyboardInterrupt):
    """The run makes room; like Ctrl-C, no `except Exception` on the way may swallow it."""


@dataclass
class Preemption:
    """The flag of this process, and whether somebody asks for it."""

    requested: bool = False
    _polled: bool = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within this block, in the main thread, the signals ask for room."""
        handlers = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self.requested = False

    @contextmanager
    def polled(self) -> Iterator[None]:
        """Within this block nothing is interrupted: the work calls `check` or reads `requested`.

        Raises PreemptedError at its end when room was asked for meanwhile.
        """
        self._polled = True
        try:
            yield
        finally:
            self._polled = False
        self.check()

    def check(self) -> None:
        """Raise PreemptedError when room was asked for."""
        if self.requested:
            raise PreemptedError

    def _on_signal(self, *_: object) -> None:
        first, self.requested = not self.requested, True
        if first and not self._polled:
            raise PreemptedError


PREEMPTION = Preemption()
