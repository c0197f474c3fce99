"""Trackers hear of each training once, and none of them can end a run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.experiment.tracked import Tracked, tracked
from scaling_search.jobs.executor import Ended, Event
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Result
from scaling_search.trackers.sender import Sender
from scaling_search.training.history import EpochRecord
from tests.trackers.events import DIVERGED, DONE, EVENTS, FIRST, JOBS, SECOND


@dataclass
class Listening:
    """What the reader is told."""

    told: list[object] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.told.append(text)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        self.told.append((name, later))

    def event(self, event: Event) -> None:
        self.told.append(event)


@dataclass
class Noting:
    """A tracker that notes what it is told, and fails at one of its notes if it is to."""

    fails_at: int = 1000
    waits_for: threading.Event | None = None
    notes: list[Any] = field(default_factory=list)
    where: str = "here"

    def _note(self, *note: object) -> None:
        if self.waits_for is not None:
            self.waits_for.wait()
        if len(self.notes) == self.fails_at:
            raise ConnectionError("the server\nis gone")
        self.notes.append(note)

    def begin(self, job: TrainJob, phase: str) -> None:
        self._note("begin", job.seed, phase)

    def epoch(self, job: TrainJob, record: EpochRecord) -> None:
        self._note("epoch", job.seed, record.epoch)

    def end(self, job: TrainJob, result: Result) -> None:
        self._note("end", job.seed, result)

    def close(self) -> None:
        self._note("close")


def after_all(listener: Tracked) -> None:
    listener.phase("comparison", JOBS, RemainingWork())
    for event in EVENTS:
        listener.event(event)
    listener.close()


def test_each_training_and_each_of_its_epochs_is_told_once() -> None:
    tracker, listening = Noting(), Listening()
    after_all(Tracked(listening, lambda: [Sender("noting", tracker)]))
    assert tracker.notes == [
        ("begin", 0, "comparison"),
        ("begin", 1, "comparison"),
        ("epoch", 0, 1),
        ("epoch", 1, 1),
        ("end", 0, DIVERGED),
        ("epoch", 1, 2),
        ("end", 1, DONE),
        ("close",),
    ]
    opened = "noting is told of each training: here"
    assert listening.told == [opened, ("comparison", RemainingWork()), *EVENTS]


def test_a_tracker_that_fails_is_said_once_and_the_others_go_on() -> None:
    failing, other, listening = Noting(fails_at=2), Noting(), Listening()
    senders = [Sender("failing", failing), Sender("other", other)]
    after_all(Tracked(listening, lambda: senders))
    said = [text for text in listening.told if isinstance(text, str)]
    assert said[2:] == [
        "failing is told nothing more (ConnectionError: the server is gone); the run goes on"
    ]
    assert [event for event in listening.told if isinstance(event, Ended)] == [
        Ended(FIRST, DIVERGED),
        Ended(SECOND, DONE),
    ]
    assert len(other.notes) == 8


def test_no_training_waits_for_a_tracker_that_hangs() -> None:
    server = threading.Event()
    tracker = Noting(waits_for=server)
    sender = Sender("hanging", tracker)
    listener = Tracked(Listening(), lambda: [sender])
    listener.phase("search", JOBS, RemainingWork())
    for event in EVENTS:
        listener.event(event)  # comes back, though nothing has been sent
    assert tracker.notes == []
    sender.close(seconds=0)
    assert sender.trouble == "not all had been sent 0 s after the end"
    server.set()


def test_nothing_is_opened_where_nothing_is_left_to_train() -> None:
    def never() -> list[Sender]:
        raise AssertionError

    Tracked(Listening(), never).close()


def test_without_trackers_a_listener_stays_itself(tmp_path: Path) -> None:
    listening = Listening()
    with tracked(listening, (), "a study", tmp_path) as told:
        assert told is listening


def test_the_trackers_of_a_block_are_closed_at_its_end(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    with tracked(Listening(), ["tensorboard"], "a study", tmp_path) as told:
        told.phase("search", JOBS, RemainingWork())
        for event in EVENTS:
            told.event(event)
    assert len(list(tmp_path.glob("tensorboard/*/events.out.*"))) == 2
