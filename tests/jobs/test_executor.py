"""Executors: one result per job, whatever happens to the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.cost.custom_network import custom_network
from scaling_search.data import load
from scaling_search.data.prefetch import TRAININGS_AT_ONCE
from scaling_search.data.request import DataRequest
from scaling_search.jobs import executor
from scaling_search.jobs.executor import (
    DEATHS_ALLOWED,
    Ended,
    Epoch,
    Event,
    InlineExecutor,
    Started,
    default_workers,
    jobs_in_order,
)
from scaling_search.jobs.failure import failure_here, lost_files
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Failed, Finished, Lost, TimedOut
from scaling_search.jobs.workers import Workers
from tests import gated_network
from tests.jobs.small import (
    ENDLESS,
    JOB,
    PATIENCE_SECONDS,
    RECIPE,
    STEPS_PER_EPOCH,
    ended,
    gone,
    job,
    place,
    until,
    without_times,
)

SIZE = {"resolution_px": 8, "in_channels": 1, "num_classes": 20}
GATED = custom_network(gated_network.NAME, **SIZE)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two workers for all tests that do not end them."""
    folder = tmp_path_factory.mktemp("pool")
    with Workers(2, place(folder), folder / "logs", clock=Clock()) as workers:
        yield workers


def pid_of(pool: Workers, of: TrainJob) -> int:
    (pid,) = [worker.process.pid for worker in pool._pool.workers if worker.job == of]
    return pid


def test_inline_runs_in_order_and_ends_each_job_once() -> None:
    jobs = [job(), job(seed=1)]
    events = list(InlineExecutor().run(jobs_in_order(jobs)))
    assert [type(event) for event in events] == [Started, Ended] * 2
    assert [event.job for event in ended(events)] == jobs


def test_what_the_caller_set_of_torch_is_not_taken_over_and_not_changed() -> None:
    plain = ended(list(InlineExecutor().run(jobs_in_order([JOB]))))[0].result
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(3)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), torch.device("meta"):
            result = ended(list(InlineExecutor().run(jobs_in_order([JOB]))))[0].result
            assert torch.get_default_dtype() == torch.float64
            assert torch.get_num_threads() == 3
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
            assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
    assert without_times(result) == without_times(plain)


def test_workers_give_the_results_of_inline(pool: Workers, tmp_path: Path) -> None:
    jobs = [job(seed=seed, epochs=2, reads_test=seed == 0) for seed in range(4)]
    there = list(pool.run(jobs_in_order(jobs)))
    here = {
        event.job: event.result
        for event in ended(list(InlineExecutor(place(tmp_path)).run(jobs_in_order(jobs))))
    }
    assert sorted(event.job.seed for event in ended(there)) == [0, 1, 2, 3]
    for event in ended(there):
        assert without_times(event.result) == without_times(here[event.job])


def test_every_epoch_is_told_as_it_ends(pool: Workers) -> None:
    requested = job(seed=10, epochs=2)
    events = list(pool.run(jobs_in_order([requested])))
    result = ended(events)[0].result
    assert isinstance(result, Finished)
    assert events == [
        Started(requested),
        *(Epoch(requested, record) for record in result.history),
        Ended(requested, result),
    ]


def test_no_jobs_are_no_events(pool: Workers) -> None:
    assert list(pool.run(jobs_in_order([]))) == []


def test_a_job_whose_worker_is_killed_in_mid_training_ends_all_the_same(pool: Workers) -> None:
    struck, other = job(seed=20, epochs=4, architecture=GATED), job(seed=21, epochs=4)
    events: list[Event] = []
    with gated_network.shut_after(STEPS_PER_EPOCH + 2) as gate:
        for event in pool.run(jobs_in_order([struck, other])):
            events.append(event)
            if isinstance(event, Epoch) and event.job == struck and gate.exists():
                os.kill(pid_of(pool, struck), signal.SIGKILL)
                gate.unlink()
    assert sorted(event.job.seed for event in ended(events)) == [20, 21]
    assert [event.job.seed for event in events if isinstance(event, Started)].count(20) == 2
    assert [event.job.seed for event in events if isinstance(event, Started)].count(21) == 1
    (uninterrupted,) = ended(list(InlineExecutor().run(jobs_in_order([struck]))))
    (result,) = [event.result for event in ended(events) if event.job == struck]
    assert without_times(result) == without_times(uninterrupted.result)


def test_a_mistake_in_a_job_comes_out_as_the_one_line_and_the_workers_live(pool: Workers) -> None:
    greedy = job(recipe=replace(RECIPE, batch_size=1000))
    with pytest.raises(UserError, match=r"a batch holds 1000 images.*, got 180: lower batch_size"):
        list(pool.run(jobs_in_order([greedy])))
    assert len(ended(list(pool.run(jobs_in_order([job(seed=30)]))))) == 1


def test_data_that_is_not_there_comes_out_as_the_one_line(pool: Workers, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        list(
            pool.run(
                jobs_in_order(
                    [job(data=DataRequest("imagefolder", root=str(tmp_path / "nowhere")))]
                )
            )
        )


def test_a_worker_that_dies_idle_is_no_jobs_fault(pool: Workers) -> None:
    list(pool.run(jobs_in_order([job(seed=40)])))
    first = pool._pool.workers[0].process
    os.kill(first.pid, signal.SIGKILL)
    assert until(lambda: not first.alive)
    deaths = dict(pool._deaths)
    events = list(pool.run(jobs_in_order([job(seed=41)])))
    assert [type(event) for event in events] == [Started, Epoch, Ended]
    assert pool._deaths == deaths


def test_a_stopped_worker_over_the_limit_is_timed_out_and_never_heard_again(pool: Workers) -> None:
    requested, after = job(seed=50, epochs=ENDLESS), job(seed=51)
    assert isinstance(pool.clock, Clock)
    pool.limit_seconds = 100.0
    events: list[Event] = []
    for event in pool.run(jobs_in_order([requested])):
        events.append(event)
        if isinstance(event, Epoch) and pool.clock.now == 0:
            pid = pid_of(pool, requested)
            os.kill(pid, signal.SIGSTOP)
            pool.clock.now = 101.0
    pool.limit_seconds = None
    assert gone(pid)  # so that it can't be continued
    events += pool.run(jobs_in_order([after]))
    assert [event.job for event in ended(events)] == [requested, after]
    assert ended(events)[0].result == TimedOut(100.0)
    assert isinstance(ended(events)[1].result, Finished)


def test_a_clock_set_back_times_nobody_out(pool: Workers) -> None:
    assert isinstance(pool.clock, Clock)
    pool.limit_seconds = 100.0
    for event in pool.run(jobs_in_order([job(seed=60, epochs=2)])):
        pool.clock.now -= 3600.0
        if isinstance(event, Ended):
            assert isinstance(event.result, Finished)
    pool.limit_seconds = None


def test_a_job_whose_worker_is_killed_each_time_is_lost(tmp_path: Path) -> None:
    killer = job(seed=70, epochs=ENDLESS)
    with Workers(1, place(tmp_path), tmp_path / "logs") as pool:
        events: list[Event] = []
        for event in pool.run(jobs_in_order([killer])):
            events.append(event)
            if isinstance(event, Started):
                os.kill(pid_of(pool, killer), signal.SIGKILL)
    reason = "the process ended with status -9, its last words were: none (logs/worker-0.log)"
    told = [event for event in events if not isinstance(event, Epoch)]
    assert told == [Started(killer)] * DEATHS_ALLOWED + [Ended(killer, Lost(3, reason))]


def test_a_lost_job_names_the_last_words_of_its_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A worker ends with a traceback as soon as it imports torch, which its driver finds there too.
    (tmp_path / "torch.py").write_text("raise RuntimeError('the device fell off the bus')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with Workers(1, place(tmp_path), tmp_path / "logs") as pool:
        (lost,) = ended(list(pool.run(jobs_in_order([job(seed=80)]))))
    assert isinstance(lost.result, Lost)
    assert "RuntimeError: the device fell off the bus" in lost.result.reason
    assert "status 1" in lost.result.reason
    assert str(tmp_path) not in lost.result.reason


FAULTY = custom_network("tests.own_network:fails_in_training", **SIZE)


def test_an_exception_in_a_worker_is_a_failure_at_once_with_its_own_words(tmp_path: Path) -> None:
    faulty, after = job(architecture=FAULTY), job(seed=81)
    with Workers(1, place(tmp_path), tmp_path / "logs") as pool:
        events = list(pool.run(jobs_in_order([faulty, after])))
    assert [type(event) for event in events] == [Started, Ended, Started, Epoch, Ended]
    reason = "KeyError: 'the key that nobody gave' (logs/worker-0.log)"
    assert ended(events)[0].result == Failed(reason)
    assert isinstance(ended(events)[1].result, Finished)
    log = (tmp_path / "logs" / "worker-0.log").read_text()
    assert log.count("Traceback (most recent call last)") == 1
    assert "in forward" in log


def test_an_exception_in_the_driver_itself_is_the_same_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = [job(architecture=FAULTY), job(seed=81)]
    first, second = ended(list(InlineExecutor(place(tmp_path)).run(jobs_in_order(jobs))))
    reason = "KeyError: 'the key that nobody gave' (logs/driver.log)"
    assert first.result == Failed(reason)
    assert isinstance(second.result, Finished)
    assert "in forward" in (tmp_path / "logs" / "driver.log").read_text()
    assert capfd.readouterr() == ("", "")


def test_files_that_are_gone_end_the_run_and_are_no_result_of_a_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_: object, **__: object) -> Finished:
        raise OSError(5, "Input/output error", "photos/cat/0.png")

    monkeypatch.setattr(executor, "execute", gone)
    with pytest.raises(OSError, match=r"photos/cat/0\.png"):
        list(InlineExecutor().run(jobs_in_order([job()])))
    line = lost_files(OSError(5, "Input/output error", "photos/cat/0.png"))
    assert line == (
        "a training needs its files, got Input/output error: photos/cat/0.png: mend that first"
    )


def test_after_an_error_of_cuda_this_process_trains_nothing_more(tmp_path: Path) -> None:
    error = RuntimeError("CUDA error: an illegal memory access was encountered\nmore")
    with pytest.raises(UserError, match=r"illegal memory access .* --workers 1"):
        failure_here(error, tmp_path)


def test_leaving_in_mid_run_ends_busy_and_idle_workers_with_a_checkpoint(
    pool: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaling_search.jobs.worker_pool.GRACE_SECONDS", PATIENCE_SECONDS)
    short, long = job(seed=90), job(seed=91, epochs=ENDLESS)
    with pool:
        waited_for = {Ended, Epoch}
        for event in pool.run(jobs_in_order([short, long])):
            if isinstance(event, Ended) or event.job == long:
                waited_for.discard(type(event))
            if not waited_for:
                break
        processes = [worker.process for worker in pool._pool.workers]
    assert [process.end() for process in processes] == [0, 0]
    assert all(gone(process.pid) for process in processes)
    policy = pool.place.checkpoint_policy(long, lambda: False)
    assert policy is not None
    assert list(policy.plateau.glob("*.safetensors"))


DRIVER = """
import sys
from pathlib import Path
from scaling_search.jobs.executor import Epoch, jobs_in_order
from scaling_search.jobs.workers import Workers
from tests.jobs.small import ENDLESS, job, place
folder = Path(sys.argv[1])
with Workers(1, place(folder), folder / "logs") as pool:
    for event in pool.run(jobs_in_order([job(epochs=ENDLESS)])):
        if isinstance(event, Epoch):
            print(*[worker.process.pid for worker in pool._pool.workers], flush=True)
"""


@pytest.mark.slow
def test_at_rest_no_worker_is_left_and_the_next_job_has_a_new_one(tmp_path: Path) -> None:
    with Workers(2, place(tmp_path), tmp_path / "logs") as workers:
        first = ended(list(workers.run(jobs_in_order([job(), job(seed=1)]))))
        pids = [worker.process.pid for worker in workers._pool.workers]
        environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in pids]
        assert all(f"{TRAININGS_AT_ONCE}=2".encode() in each for each in environments)
        workers.rest()
        assert all(gone(pid) for pid in pids)
        workers.rest()
        (again,) = ended(list(workers.run(jobs_in_order([job(seed=2)]))))
    assert all(isinstance(each.result, Finished) for each in (*first, again))


def test_at_rest_this_process_keeps_no_images() -> None:
    list(InlineExecutor().run(jobs_in_order([job()])))
    assert load._splits._values
    InlineExecutor().rest()
    assert not load._splits._values


def test_workers_of_a_killed_driver_end_by_themselves(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as driver:
        assert driver.stdout is not None
        pids = [int(pid) for pid in driver.stdout.readline().split()]
        assert pids
        assert not any(gone(pid) for pid in pids)
        driver.kill()
    assert until(lambda: all(gone(pid) for pid in pids))


def test_there_is_one_worker_a_core_on_a_cpu_and_one_on_a_gpu() -> None:
    assert 1 <= default_workers("cpu") <= (os.cpu_count() or 1)
    assert default_workers("cuda") == default_workers("cuda:1") == 1
