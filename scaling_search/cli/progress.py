"""What a run shows while it goes on: what runs, how many trainings are left, how much time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from scaling_search.experiment.remaining_work import RemainingWork, trainings_left, work_of
from scaling_search.jobs.executor import Ended, Epoch, Event, Started
from scaling_search.jobs.failure_summary import failure_words
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished

LONG_SECONDS = 2 * 3600  # from here on hours are read more easily


class ProgressBars:
    """A `ProgressListener` that draws a bar for the whole run and a line for each running training.

    Where the console is no terminal, a line of text for each phase and training is printed instead.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.console = console
        self._clock = clock
        self._draws = draws_bars(console)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            disable=not self._draws,
            transient=True,
        )
        self._overall: TaskID | None = None
        self._name = ""
        self._began = 0.0
        self._done = 0.0
        self._remaining = RemainingWork()
        self._running: dict[str, tuple[TaskID, int]] = {}

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing; the bars vanish, the lines that were said stay."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line."""
        self._progress.console.print(Text(text, style="dim"), soft_wrap=True)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """These trainings come now, and so much is expected after them."""
        work = work_of(jobs)
        self._remaining = work + later
        if self._overall is None:
            self._began = self._clock()
            self._overall = self._progress.add_task(name, total=None, note="")
        if name != self._name and not self._draws:
            self.say(f"{name}: {trainings_left(self._remaining.jobs)} in all")
        self._name = name
        self._redraw()

    def event(self, event: Event) -> None:
        """Move the bars."""
        job = event.job
        match event:
            case Started():
                self._start(job)
            case Epoch():
                self._advance(job, event.record.epoch)
            case Ended():
                self._end(job, event)
        self._redraw()

    def _start(self, job: TrainJob) -> None:
        if job.hash in self._running:  # its worker died, and it goes on in another
            return
        task = self._progress.add_task(f"  {_training_text(job)}", total=job.epochs, note="")
        self._running[job.hash] = (task, 0)

    def _advance(self, job: TrainJob, epoch: int) -> None:
        task, earlier = self._running[job.hash]
        if epoch <= earlier:  # trained once more after a loss
            return
        self._running[job.hash] = (task, epoch)
        work = (epoch - earlier) * job.mac_images / job.epochs
        self._done += work
        self._remaining += RemainingWork(0, -work)
        note = f"epoch {epoch} of {job.epochs}"
        self._progress.update(task, completed=epoch, note=note)

    def _end(self, job: TrainJob, ended: Ended) -> None:
        self._advance(job, job.epochs)
        self._progress.remove_task(self._running.pop(job.hash)[0])
        self._remaining += RemainingWork(-1)
        remaining = "" if self._draws else f"; {self._remaining_text()}"
        if not isinstance(ended.result, Finished):
            words = failure_words(ended.result)
            self.say(f"{job.architecture.name}, seed {job.seed}: {words}{remaining}")
        elif remaining:
            score = f"{ended.result.validation_top1:.1%} of the validation images right"
            self.say(f"{_training_text(job)}: {score}{remaining}")

    def _redraw(self) -> None:
        if self._overall is not None:
            total = self._done + self._remaining.mac_images
            self._progress.update(
                self._overall,
                description=self._name,
                completed=self._done,
                total=total,
                note=self._remaining_text(),
            )

    def _remaining_text(self) -> str:
        return f"{trainings_left(self._remaining.jobs)}{self._remaining_time()}"

    def _remaining_time(self) -> str:
        if not self._done:
            return ""
        spent = self._clock() - self._began
        seconds = round(spent * self._remaining.mac_images / self._done)
        if seconds >= LONG_SECONDS:
            hours, minutes = divmod(round(seconds / 60), 60)
            return f", about {hours}:{minutes:02d} h"
        return f", about {seconds // 60}:{seconds % 60:02d} min"


def draws_bars(console: Console) -> bool:
    """Whether bars can be drawn over: in no log, though FORCE_COLOR colours it, on no dumb one."""
    is_log = bool(os.environ.get("FORCE_COLOR")) and not console.file.isatty()
    return console.is_terminal and not console.is_dumb_terminal and not is_log


def _training_text(job: TrainJob) -> str:
    return f"{job.architecture.name}, {job.architecture.resolution_px} px, seed {job.seed}"
