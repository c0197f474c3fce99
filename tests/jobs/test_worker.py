"""A worker process: orders in, answers out, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.latency.process_runner import interpreter_settings
from tests.jobs.small import ENDLESS, job, place, until

PATIENCE_SECONDS = 300.0  # a bound, never awaited
LONG = job(seed=1, epochs=ENDLESS)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(tmp_path / "logs" / "worker.log", interpreter_settings(1))
    yield process
    process.end()


def kinds(worker: WorkerProcess, until: str) -> list[str]:
    """The kinds of the answers, up to one of this kind."""
    heard: list[str] = []
    while until not in heard:
        answers = worker.answers()
        assert answers is not None, worker.last_words()
        heard += [kind for answer in answers for kind in answer]
    return heard


def checkpoints(folder: Path, of: TrainJob) -> list[Path]:
    return list((folder / "checkpoints" / of.shared_hash).glob("*.safetensors"))


def test_it_works_on_job_after_job_and_sigterm_ends_it_with_a_checkpoint(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    for seed in (2, 3):
        worker.order(job(seed=seed), place(tmp_path))
        assert kinds(worker, until="result") == ["epoch", "result"]
    worker.order(LONG, place(tmp_path), counts=True)
    assert kinds(worker, until="steps") == ["steps"]  # at the first one, as a trial asks for
    kinds(worker, until="epoch")
    assert checkpoints(tmp_path, LONG) == []
    worker.ask_to_stop()
    assert worker.end(PATIENCE_SECONDS) == 0
    assert len(checkpoints(tmp_path, LONG)) == 1


def test_a_driver_that_hears_nothing_more_costs_no_step(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    """What it is told with breaks before its silence is noticed: orders may come still."""
    worker.order(LONG, place(tmp_path))
    worker.answers_from.close()
    assert until(lambda: checkpoints(tmp_path, LONG) != [])


OF_PYTHON = ("queue", "typing", "random", "selectors", "logging", "json")
OF_OTHERS = ("torch", "numpy", "PIL")


def test_no_file_of_the_working_directory_and_nothing_printed_disturbs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*OF_PYTHON, *OF_OTHERS):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('the user has a {name}')\n")
    loud = tmp_path / "loud"
    loud.mkdir()
    # Python imports it by itself, before any line of ours runs.
    (loud / "sitecustomize.py").write_text(
        "import os\nprint('{\"result\": 1}', flush=True)\nos.write(1, b'no JSON')\n"
    )
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join((str(loud), os.environ.get("PYTHONPATH", "")))
    process = WorkerProcess(tmp_path / "worker.log", {"PYTHONPATH": path})
    process.order(job(seed=4), place(tmp_path))
    assert kinds(process, until="result") == ["epoch", "result"]
    process.end()
    assert (tmp_path / "worker.log").read_text().startswith('{"result": 1}\nno JSON')


def test_its_last_words_are_its_own_and_not_those_of_a_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "worker.log"
    log.write_text("the words of a former run\n")
    # A worker ends with a traceback as soon as it imports torch, which its driver finds there too.
    (tmp_path / "torch.py").write_text("raise RuntimeError('the device fell off the bus')\n")
    path = str(Path(__file__).parents[2])
    monkeypatch.syspath_prepend(tmp_path)
    broken = WorkerProcess(log, {"PYTHONPATH": path})
    assert broken.answers() is None
    assert broken.end(PATIENCE_SECONDS) == 1
    assert broken.last_words() == "RuntimeError: the device fell off the bus"
    silent = WorkerProcess(log, {"PYTHONPATH": path})
    silent._process.kill()
    assert silent.end() == -9
    assert silent.last_words() == ""


def test_an_order_to_a_dead_worker_is_answered_by_its_silence(
    worker: WorkerProcess, tmp_path: Path
) -> None:
    assert worker.alive
    worker._process.kill()
    worker._process.wait()
    assert not worker.alive
    worker.order(job(), place(tmp_path))
    assert worker.answers() is None
    assert worker.end() == -9
    assert worker.end() == -9
