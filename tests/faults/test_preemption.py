"""Fault 6: a scheduler asks for room, by SIGTERM or by SIGUSR2."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from scaling_search.core.errors import StoppedError
from scaling_search.experiment.study_file import to_toml
from scaling_search.jobs.executor import InlineExecutor, Started, jobs_in_order
from scaling_search.jobs.preemption import PREEMPTION, REQUEUE, PreemptedError
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.latency.process_runner import interpreter_settings
from scaling_search.search.plan import Rung
from scaling_search.training import checkpoint
from tests.faults import driving
from tests.faults.study import STUDY, lines, results, study_file
from tests.faults.watching import search_in
from tests.jobs.small import ENDLESS, job, place

PATIENCE_SECONDS = 300.0  # a bound, never awaited
LISTENING = "0A"  # the state of a socket in /proc/net/tcp


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def listening_sockets(pid: int) -> set[str]:
    """The inodes of the network sockets on which a process listens."""
    own = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            own.add(str(each.readlink()))
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]
    ]
    return {row[9] for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in own}


def trains(said: Path) -> bool:
    """Whether an epoch of the endless training is over."""
    return said.exists() and f" of {ENDLESS}\n" in said.read_text()


@contextmanager
def endless_search(folder: Path) -> Iterator[tuple[BaseProcess, int]]:
    """The program with a worker in its last, endless training; and the worker's number."""
    endless = replace(STUDY, search=replace(STUDY.search, rungs=(Rung(1), Rung(ENDLESS))))
    (folder / "endless.toml").write_text(to_toml(endless))
    words = ["search", str(folder / "endless.toml"), "--out", str(folder / "out")]
    words += ["--device", "cpu", "--workers", "1"]
    said = folder / "said"
    driver = driving.started(words, said, driving.tell_epochs_and_wait_for_workers)
    try:
        # With two lines in the ledger it is ordered; only after an epoch is it surely under way.
        until(lambda: driver.exitcode is not None or trains(said))
        (worker,) = children(driver.pid or 0)
        yield driver, worker
    finally:
        driver.kill()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "to_all"), [(signal.SIGTERM, False), (signal.SIGUSR2, True)], ids=["TERM", "USR2"]
)
def test_asked_for_room_its_worker_keeps_a_checkpoint_and_it_ends_with_75(
    tmp_path: Path, number: signal.Signals, to_all: bool
) -> None:
    with endless_search(tmp_path) as (driver, worker):
        before = set((tmp_path / "out").rglob("0*.safetensors"))
        assert listening_sockets(driver.pid or 0) | listening_sockets(worker) == set()
        if to_all:  # as a scheduler does that signals a step with all its processes
            os.kill(worker, number)
        os.kill(driver.pid or 0, number)
        driver.join(PATIENCE_SECONDS)
        assert driver.exitcode == REQUEUE == 75
    said = (tmp_path / "said").read_text()
    assert said.splitlines()[-1] == "asked to make room; the same command goes on from here"
    assert "Traceback" not in said
    assert not Path(f"/proc/{worker}").exists()
    new = set((tmp_path / "out").rglob("0*.safetensors")) - before
    assert new
    assert all(checkpoint.intact(path) for path in new)
    assert len(lines(tmp_path / "out")) == 2


def test_a_training_in_the_driver_itself_stops_at_the_next_step_and_goes_on_from_there(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = tmp_path / "out"
    words = ["search", str(study_file(tmp_path)), "--out", str(out), "--device", "cpu"]
    strike = driving.ask_for_room_in_mid_epoch
    assert driving.ended([*words, "--workers", "0"], tmp_path / "said", strike) == REQUEUE
    assert len(results(out)) == 1
    seen = search_in(out)
    assert results(out) == results(uninterrupted)
    assert min(seen.steps.values()) == 3  # two of five were taken before the signal came


def test_a_worker_that_is_only_starting_is_not_killed_by_sigusr2(tmp_path: Path) -> None:
    worker = WorkerProcess(tmp_path / "worker.log", interpreter_settings(1))
    os.kill(worker.pid, signal.SIGUSR2)
    assert worker.end(PATIENCE_SECONDS) == 0


def test_the_first_signal_interrupts_and_a_second_changes_nothing() -> None:
    with PREEMPTION.listening():
        with pytest.raises(PreemptedError):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR2)
        assert PREEMPTION.requested
    assert not PREEMPTION.requested


def test_nothing_is_interrupted_where_the_flag_is_polled() -> None:
    reached = []

    def work() -> None:
        with PREEMPTION.polled():
            os.kill(os.getpid(), signal.SIGUSR2)
            reached.append("the end")

    with PREEMPTION.listening(), pytest.raises(PreemptedError):
        work()
    assert reached == ["the end"]


def test_the_checkpoint_is_that_of_the_very_next_step(tmp_path: Path) -> None:
    asked = job(epochs=ENDLESS)
    events = InlineExecutor(place(tmp_path)).run(jobs_in_order([asked]))
    assert next(events) == Started(asked)
    with PREEMPTION.listening():
        PREEMPTION.requested = True
        with pytest.raises(StoppedError, match="stopped at step 1 of"):
            next(events)
    (kept,) = tmp_path.rglob("*.safetensors")
    assert checkpoint.step_of(kept) == 1
