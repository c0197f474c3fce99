"""A run of so many hours: what it begins, what it leaves out, and how it goes on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html import unescape
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo
from scaling_search.experiment.outcome import Outcome, redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.run_comparison import read_comparison
from scaling_search.experiment.runner import NullListener
from scaling_search.experiment.study import Study
from scaling_search.experiment.time_limit import TimeLimit, noted_limit
from scaling_search.jobs.executor import Ended, Event, Started
from scaling_search.jobs.result import Finished
from scaling_search.search.gate import Gate
from tests.experiment.test_pipeline import results
from tests.jobs.small import JOB, job
from tests.tiny import TINY
from tests.trainings import finished_of, record

pytestmark = pytest.mark.usefixtures("without_pictures")

INFO = DataInfo("images", ("a", "b"), 3, 8, 180, 0, 0, 0, "0" * 16)
HOUR = 3600.0


def took(seconds: float) -> Finished:
    return finished_of([record(1, 0.5, train_loss=1.0, seconds=seconds)])


@dataclass
class Watch(NullListener):
    """A clock on which every training takes six minutes, and nothing else any time."""

    now: float = 0.0
    stop_after: int | None = None
    ended: int = 0

    def __call__(self) -> float:
        return self.now

    def event(self, event: Event) -> None:
        if isinstance(event, Ended):
            self.now += 360.0
            self.ended += 1
            if self.ended == self.stop_after:
                raise KeyboardInterrupt


def limit(hours: float, watch: Watch) -> TimeLimit:
    return TimeLimit(hours, watch)


def test_before_any_result_everything_fits_until_the_time_is_over() -> None:
    watch = Watch()
    hour = limit(1.0, watch)
    assert hour.fits(JOB, INFO)
    watch.now = HOUR + 1
    assert not hour.fits(JOB, INFO)
    assert hour.left_out


def test_a_training_must_end_in_time_even_at_its_slowest() -> None:
    watch = Watch()
    hour = limit(1.0, watch)
    hour.learn(JOB, took(800.0))
    hour.learn(job(seed=1), took(1000.0))
    watch.now = HOUR - 1250
    assert hour.fits(JOB, INFO)  # 1000 s, and a quarter more
    watch.now = HOUR - 1249
    assert not hour.fits(JOB, INFO)


def test_longer_trainings_need_longer() -> None:
    hour = limit(1.0, Watch())
    hour.learn(JOB, took(1000.0))
    assert hour.fits(job(epochs=2), INFO)
    assert not hour.fits(job(epochs=3), INFO)


def test_time_is_kept_for_what_follows_but_no_more_than_half() -> None:
    hour = limit(1.0, Watch())
    hour.learn(JOB, took(1000.0))
    assert not hour.fits(job(epochs=2), INFO, reserved_seconds=1200.0)
    assert hour.fits(JOB, INFO, reserved_seconds=1200.0)
    assert hour.fits(JOB, INFO, reserved_seconds=10 * HOUR)  # 1800 s are


def test_what_follows_is_shared_by_as_many_as_were_seen_at_once() -> None:
    jobs = [job(seed=seed) for seed in range(8)]
    hour = limit(1.0, Watch())
    assert hour.needed(jobs, INFO) == 0.0  # nothing is known
    hour.learn(JOB, took(100.0))
    assert hour.needed(jobs, INFO) == pytest.approx(800.0)
    for each in jobs[:2]:
        hour.event(Started(each))
    # Half of it, and half of what the last may make the others wait.
    assert hour.needed(jobs, INFO) == pytest.approx(425.0)


def test_results_of_this_call_are_learnt_from() -> None:
    hour = limit(1.0, Watch())
    hour.event(Started(JOB))
    hour.event(Ended(JOB, took(2000.0)))
    assert hour.fits(JOB, INFO)
    assert not hour.fits(job(epochs=2), INFO)


@pytest.mark.parametrize("hours", [0.0, -1.0, float("inf"), float("nan")])
def test_hours_are_above_0_and_finite(tmp_path: Path, hours: float) -> None:
    with pytest.raises(UserError, match="--max-hours must be above 0 and finite"):
        run(TINY, tmp_path / "out", device="cpu", workers=0, max_hours=hours)
    assert not (tmp_path / "out").exists()


# Their timing is kept a fifth of an hour for, and never has room.
TIMED = replace(TINY, timing=replace(TINY.timing, seconds=720.0))


def limited(study: Study, out: Path, hours: float, **more: Any) -> Outcome:
    watch = more.pop("watch", None) or Watch()
    here = {"device": "cpu", "workers": 0, "max_hours": hours, **more}
    return run(study, out, clock=watch, listener=watch, **here)


def whether_test_was_read(out: Path) -> list[bool]:
    """Whether each training of the ledger read the test split, which the comparison's do."""
    lines = (out / "ledger.jsonl").read_text().splitlines()
    return [json.loads(line)["record"]["job"]["reads_test"] for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    run(TINY, out, device="cpu", workers=0)
    return out


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """33 minutes: until the 21st the search may begin a training, then the comparison."""
    out = tmp_path_factory.mktemp("half")
    return out, limited(TIMED, out, 0.55)


def test_the_search_stops_in_time_for_the_comparison(half: tuple[Path, Outcome]) -> None:
    out, outcome = half
    assert whether_test_was_read(out) == [False] * 4 + [True] * 2
    assert outcome.constants is not None
    assert list(outcome.runs["seed"]) == [1000, 1000]


def test_what_was_left_out_is_said_at_the_end_and_in_the_report(
    half: tuple[Path, Outcome],
) -> None:
    out, outcome = half
    assert re.fullmatch(
        r"To end within 0\.55 hours this run left out the rest of the search \(4 candidates tried "
        r"so far\), \d of the comparison's \d+ trainings, the timing of its networks; the same "
        r"command goes on\.",
        outcome.left_out,
    )
    assert (out / "README.md").read_text().count(outcome.left_out) == 1
    assert unescape((out / "report.html").read_text()).count(outcome.left_out) == 1


def test_redrawn_and_read_again_it_has_the_same_constants(half: tuple[Path, Outcome]) -> None:
    out, outcome = half
    again = redraw(out)
    assert (again.constants, again.left_out) == (outcome.constants, outcome.left_out)
    assert outcome.constants is not None
    assert read_comparison(out).coefficients == outcome.constants.coefficients


def test_the_same_command_counts_anew_and_goes_on_to_the_results_of_a_whole_run(
    whole: Path, tmp_path: Path
) -> None:
    limited(TINY, tmp_path, 0.45)
    assert len(results(tmp_path)) == 5
    limited(TINY, tmp_path, 0.45)
    assert len(results(tmp_path)) == 10
    outcome = limited(TINY, tmp_path, 100.0)
    assert outcome.left_out == ""
    assert noted_limit(tmp_path) is None
    assert results(whole).items() <= results(tmp_path).items()
    assert "left out" not in (tmp_path / "README.md").read_text()


def test_stopped_in_the_middle_it_goes_on(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        limited(TINY, tmp_path, 100.0, watch=Watch(stop_after=3))
    assert len(results(tmp_path)) == 3
    assert noted_limit(tmp_path) is None
    limited(TINY, tmp_path, 100.0)
    assert results(whole).items() <= results(tmp_path).items()


def test_a_gate_that_has_no_room_is_left_out_too(tmp_path: Path) -> None:
    outcome = limited(replace(TINY, gate=Gate(2)), tmp_path, 0.25)
    assert len(results(tmp_path)) == 3
    assert "5 of the gate's 8 trainings, the rest of the search" in outcome.left_out
    assert outcome.gate is None


def test_where_there_was_no_time_for_a_single_result_there_are_no_constants(
    tmp_path: Path,
) -> None:
    ticks = chain([0.0], repeat(HOUR))
    outcome = run(TINY, tmp_path, device="cpu", workers=0, max_hours=0.5, clock=ticks.__next__)
    assert outcome.constants is None
    assert "the rest of the search (0 candidates tried so far), the comparison" in outcome.left_out


def test_the_search_alone_keeps_no_time_for_a_comparison(tmp_path: Path) -> None:
    limited(TIMED, tmp_path, 0.55, search_only=True)
    assert len(results(tmp_path)) == 6  # at 0, 6, … 30 of 33 minutes
