"""A report that is drawn again while its run goes on, seldom enough to cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scaling_search.core.errors import UserError
from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.experiment.runner import ProgressListener
from scaling_search.jobs.executor import Ended, Event
from scaling_search.jobs.job import TrainJob

EVERY_SECONDS = 60.0
SHARE = 0.05  # of a run's time may go to drawing, at most


@dataclass
class Redrawing:
    """A listener that passes all on to another, and calls `draw` after a result when it is due.

    It is due a minute after the start, then a minute after each drawing, or later where a drawing
    takes so long that it would cost more than a twentieth of the time. A drawing that fails, on a
    full disk for one, is said and the run goes on.
    """

    listener: ProgressListener
    draw: Callable[[], object]
    clock: Callable[[], float] = time.monotonic
    _due: float = field(init=False)

    def __post_init__(self) -> None:
        """Wait for the first minute."""
        self._due = self.clock() + EVERY_SECONDS

    def say(self, text: str) -> None:
        """Pass it on."""
        self.listener.say(text)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """Pass it on."""
        self.listener.phase(name, jobs, later)

    def event(self, event: Event) -> None:
        """Pass it on, and draw if it is a result and a drawing is due."""
        self.listener.event(event)
        if isinstance(event, Ended) and self.clock() >= self._due:
            self._redraw()

    def _redraw(self) -> None:
        began = self.clock()
        try:
            self.draw()
        except (OSError, UserError) as error:
            self.say(f"the report was not redrawn: {error}")
        ended = self.clock()
        self._due = ended + max(EVERY_SECONDS, (ended - began) / SHARE)
