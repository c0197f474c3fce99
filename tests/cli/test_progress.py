"""What is shown while a run goes on, with a clock of our own."""

from __future__ import annotations

import io

from rich.console import Console

from scaling_search.cli.progress import ProgressBars
from scaling_search.experiment.remaining_work import RemainingWork, work_of
from scaling_search.jobs.executor import Ended, Epoch, Started
from scaling_search.jobs.result import Diverged
from tests.jobs.small import FINISHED, job
from tests.trainings import record


class Screen:
    """A terminal of 120 columns that nobody looks at, and a clock that is set by hand."""

    def __init__(self, terminal: bool = True) -> None:
        self.text, self.now = io.StringIO(), 0.0
        console = Console(file=self.text, force_terminal=terminal, width=120)
        self.live = ProgressBars(console, clock=lambda: self.now)

    def whole(self) -> tuple[str, float, float]:
        """The note, the part done and the length of the bar of the whole run."""
        task = self.live._progress.tasks[0]
        return task.fields["note"], task.completed, task.total or 0.0


JOBS = [job(epochs=2, seed=seed) for seed in (0, 1)]
RECORD = record(1, 0.5, train_loss=2.0)


def test_the_bar_counts_what_is_left_now_and_later() -> None:
    screen = Screen()
    screen.live.phase("search, rung 1 of 2", JOBS, RemainingWork(3, 1000.0))
    assert screen.whole() == ("5 trainings left", 0.0, work_of(JOBS).mac_images + 1000)


def test_the_time_left_is_that_of_the_work_left_at_the_speed_so_far() -> None:
    screen = Screen()
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[0]))
    screen.now = 30.0
    screen.live.event(Epoch(JOBS[0], RECORD))  # a quarter of all the work
    assert screen.whole()[0] == "2 trainings left, about 1:30 min"
    screen.live.event(Ended(JOBS[0], FINISHED))
    note, done, total = screen.whole()
    assert note == "1 training left, about 0:30 min"
    assert done == total / 2


def test_a_running_training_has_a_line_until_it_ends() -> None:
    screen = Screen()
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[1]))
    assert screen.live._progress.tasks[1].description.strip().endswith("8 px, seed 1")
    screen.live.event(Ended(JOBS[1], FINISHED))
    assert len(screen.live._progress.tasks) == 1


def test_a_job_that_runs_again_after_its_worker_died_starts_its_line_anew() -> None:
    screen = Screen()
    screen.live.phase("comparison", JOBS, RemainingWork())
    for event in (Started(JOBS[0]), Epoch(JOBS[0], RECORD), Started(JOBS[0])):
        screen.live.event(event)
    screen.live.event(Ended(JOBS[0], FINISHED))
    assert screen.whole()[1] == work_of(JOBS[:1]).mac_images
    assert len(screen.live._progress.tasks) == 1


def test_a_failure_is_said_at_once() -> None:
    screen = Screen()
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[0]))
    screen.live.event(Ended(JOBS[0], Diverged("the loss of epoch 1 is nan")))
    name = JOBS[0].architecture.name
    said = f"{name}, seed 0: diverged: the loss of epoch 1 is nan; lower the learning rate"
    assert said in screen.text.getvalue()


def test_without_a_terminal_a_phase_and_each_training_has_a_plain_line() -> None:
    screen = Screen(terminal=False)
    with screen.live:
        screen.live.phase("comparison", JOBS, RemainingWork(4, 2 * work_of(JOBS).mac_images))
        screen.live.event(Started(JOBS[0]))
        screen.now = 10.0
        screen.live.event(Ended(JOBS[0], FINISHED))
    first, second = screen.text.getvalue().splitlines()
    assert first == "comparison: 6 trainings left in all"
    name, score = JOBS[0].architecture.name, f"{FINISHED.validation_top1:.1%}"
    done = f"{name}, 8 px, seed 0: {score} of the validation images right"
    # One of two equal trainings took 10 s, and five such are left.
    assert second == f"{done}; 5 trainings left, about 0:50 min"


def test_on_a_terminal_a_training_leaves_no_line_behind() -> None:
    screen = Screen()
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[0]))
    screen.live.event(Ended(JOBS[0], FINISHED))
    assert screen.text.getvalue() == ""


def test_a_log_says_of_a_failure_too_how_much_is_left() -> None:
    screen = Screen(terminal=False)
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[0]))
    screen.now = 10.0
    screen.live.event(Ended(JOBS[0], Diverged("the loss of epoch 1 is nan")))
    assert screen.text.getvalue().endswith("; 1 training left, about 0:10 min\n")


def test_long_times_are_said_in_hours() -> None:
    screen = Screen(terminal=False)
    screen.live.phase("comparison", JOBS, RemainingWork())
    screen.live.event(Started(JOBS[0]))
    screen.now = 9000.0
    screen.live.event(Ended(JOBS[0], FINISHED))
    assert screen.text.getvalue().endswith("1 training left, about 2:30 h\n")
