"""What a run shows in a notebook's cell: plain lines, which need no widget."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from scaling_search.experiment.remaining_work import RemainingWork, trainings_left, work_of
from scaling_search.experiment.runner import NullListener, ProgressListener
from scaling_search.jobs.executor import Ended, Event
from scaling_search.jobs.failure_summary import failure_words
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished


def listener_here() -> ProgressListener:
    """A listener that prints lines in a notebook, and none that tells anybody elsewhere."""
    return CellLines() if in_notebook() else NullListener()


def in_notebook() -> bool:
    """Whether an IPython kernel runs this process, as behind Jupyter."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


class InterruptedCellError(KeyboardInterrupt):
    """What a run raises when its cell is interrupted: a line in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows."""
        return [f"KeyboardInterrupt: {self}"]


@contextmanager
def one_line_interrupt() -> Iterator[None]:
    """Within, interrupting a notebook's cell is told in one line; elsewhere nothing changes."""
    try:
        yield
    except KeyboardInterrupt:
        if not in_notebook():
            raise
        raise InterruptedCellError("stopped; the same cell goes on from here") from None


class CellLines:
    """A `ProgressListener` that prints a line for each phase and each training that ended."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self.say = say
        self._name = ""
        self._left = 0

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """These trainings come now, and so much is expected after them."""
        self._left = (work_of(jobs) + later).jobs
        if name != self._name:
            self.say(f"{name}: {trainings_left(self._left)} in all")
        self._name = name

    def event(self, event: Event) -> None:
        """Say what came of a training."""
        if not isinstance(event, Ended):
            return
        self._left -= 1
        job, result = event.job, event.result
        outcome = failure_words(result)
        if isinstance(result, Finished):
            outcome = f"{result.validation_top1:.1%} of the validation images right"
        self.say(f"{job.architecture.name}, seed {job.seed}: {outcome}; {self._left} left")
