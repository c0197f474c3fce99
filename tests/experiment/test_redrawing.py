"""When the report of a run that goes on is drawn again, with a clock of our own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scaling_search.core.errors import UserError
from scaling_search.experiment.redrawing import Redrawing
from scaling_search.experiment.remaining_work import RemainingWork
from scaling_search.jobs.executor import Ended, Event, Started
from scaling_search.jobs.job import TrainJob
from tests.jobs.small import FINISHED, job

JOB = job(epochs=2)
RESULT = Ended(JOB, FINISHED)


@dataclass
class Run:
    """A run on a clock that is set by hand, whose drawings take so many seconds."""

    takes: float = 0.0
    error: Exception | None = None
    now: float = 100.0
    drawn_at: list[float] = field(default_factory=list)
    told: list[object] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.told.append(text)

    def phase(self, name: str, jobs: Sequence[TrainJob], later: RemainingWork) -> None:
        self.told.append((name, tuple(jobs), later))

    def event(self, event: Event) -> None:
        self.told.append(event)

    def draw(self) -> None:
        self.drawn_at.append(self.now - 100)
        self.now += self.takes
        if self.error is not None:
            raise self.error

    def results_every(self, seconds: int, until: int) -> list[float]:
        """When the report is drawn while a result comes every so often."""
        redrawing = Redrawing(self, self.draw, clock=lambda: self.now)
        for _ in range(until // seconds):
            self.now += seconds
            redrawing.event(RESULT)
        return self.drawn_at


def test_the_first_drawing_comes_after_a_minute_and_then_one_a_minute() -> None:
    assert Run().results_every(10, until=190) == [60, 120, 180]


def test_slow_drawings_take_a_twentieth_of_the_time_at_most() -> None:
    first, second = Run(takes=10.0).results_every(10, until=400)
    assert first == 60
    assert second == 60 + 10 + 200


def test_nothing_is_drawn_without_a_result() -> None:
    run = Run()
    redrawing = Redrawing(run, run.draw, clock=lambda: run.now)
    run.now += 1000
    redrawing.event(Started(JOB))
    redrawing.phase("search", [JOB], RemainingWork())
    assert run.drawn_at == []


def test_all_is_passed_on() -> None:
    run = Run()
    redrawing = Redrawing(run, run.draw, clock=lambda: run.now)
    redrawing.say("hello")
    redrawing.phase("search", [JOB], RemainingWork(1, 2.0))
    redrawing.event(RESULT)
    assert run.told == ["hello", ("search", (JOB,), RemainingWork(1, 2.0)), RESULT]


def test_a_drawing_that_fails_is_said_and_the_run_goes_on() -> None:
    for error in (OSError(28, "No space left on device"), UserError("no finalist")):
        run = Run(error=error)
        assert run.results_every(60, until=180) == [60, 120, 180]
        said = [text for text in run.told if isinstance(text, str)]
        assert said == [f"the report was not redrawn: {error}"] * 3
