"""A listener that also tells trackers of each training: off unless a run asks for some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.experiment.runner import ProgressListener
from scaling_search.jobs.executor import Ended, Epoch, Event, Started
from scaling_search.jobs.job import TrainJob
from scaling_search.trackers.choice import chosen_trackers
from scaling_search.trackers.opening import opened_sender
from scaling_search.trackers.sender import Message, Sender


class Tracked:
    """A listener that passes all on to another, and each training to trackers as well.

    They are opened when the first training is about to run. One that fails is said once, and told
    nothing more: no training is lost by it.
    """

    def __init__(self, listener: ProgressListener, open_all: Callable[[], list[Sender]]) -> None:
        self._listener = listener
        self._open_all: Callable[[], list[Sender]] | None = open_all
        self._senders: list[Sender] = []
        self._phase = ""
        self._epochs: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Pass it on."""
        self._listener.say(text)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        """Pass it on; raises UserError where a tracker can't be opened."""
        if self._open_all is not None:
            self._senders, self._open_all = self._open_all(), None
            for sender in self._senders:
                self.say(f"{sender.name} is told of each training: {sender.where}")
        self._phase = name
        self._listener.phase(name, jobs, later)

    def event(self, event: Event) -> None:
        """Pass it on, and send it."""
        self._listener.event(event)
        message = self._message(event)
        if message is not None:
            for sender in self._senders:
                sender.put(message)
        self._drop_troubled()

    def close(self) -> None:
        """Send what is left, for half a minute at most."""
        for sender in self._senders:
            sender.close()
        self._drop_troubled()

    def _message(self, event: Event) -> Message | None:
        """What a tracker is to be told; None where it has been told before."""
        job, before = event.job, self._epochs.get(event.job.hash)
        match event:
            case Started():
                self._epochs.setdefault(job.hash, 0)
                phase = self._phase
                return (lambda to: to.begin(job, phase)) if before is None else None
            case Epoch(record=record):
                if record.epoch <= (before or 0):  # trained once more after a loss
                    return None
                self._epochs[job.hash] = record.epoch
                return lambda to: to.epoch(job, record)
            case Ended(result=result):
                self._epochs.pop(job.hash, None)
                return None if before is None else lambda to: to.end(job, result)

    def _drop_troubled(self) -> None:
        for sender in [each for each in self._senders if each.trouble]:
            self._senders.remove(sender)
            self.say(f"{sender.name} is told nothing more ({sender.trouble}); the run goes on")


@contextmanager
def tracked(
    listener: ProgressListener, names: Sequence[str], study: str, out: Path
) -> Iterator[ProgressListener]:
    """The listener while trackers of these names are told too; the listener itself without any.

    Raises UserError for a name that is unknown, or whose package is not installed.
    """
    chosen = chosen_trackers(names)
    if not chosen:
        yield listener
        return
    open_one = partial(opened_sender, study=study, out=out)
    both = Tracked(listener, lambda: [open_one(name) for name in chosen])
    try:
        yield both
    finally:
        both.close()
