"""The program in a process of its own, with something that happens to it at a chosen moment.

All are forked from one process that has imported the package, so that none pays for that again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from torch.optim.optimizer import register_optimizer_step_post_hook

from scaling_search.cli.main import main
from scaling_search.cli.progress import ProgressBars
from scaling_search.jobs import worker_pool
from scaling_search.jobs.executor import Ended, Epoch, Event
from scaling_search.jobs.ledger_file import LedgerFile
from scaling_search.jobs.worker_process import WorkerProcess
from scaling_search.report import report_files
from tests.jobs.small import PATIENCE_SECONDS

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["scaling_search.experiment.pipeline", "tests.faults.driving"])

Strike = Callable[[], None]
"""What is done in the new process before the program begins."""


def started(words: list[str], said: Path, strike: Strike) -> BaseProcess:
    """The program with these arguments, under way; `said` is what it writes to standard error."""
    process = _FORKS.Process(target=_program, args=(words, said, strike))
    process.start()
    return process


def ended(words: list[str], said: Path, strike: Strike) -> int:
    """The exit status of the program with these arguments; -9 for one that SIGKILL ended."""
    process = started(words, said, strike)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _program(words: list[str], said: Path, strike: Strike) -> None:
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv = ["scaling-search", *words]
    strike()
    main()


def nothing() -> None:
    """Let it run."""


def as_in(folder: Path) -> None:
    """Let it run as `python -m` does that is started in this folder, and draw no figures."""
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    report_files.pictures_of = lambda evidence: ()  # type: ignore[attr-defined]  # its own import


def tell_epochs() -> None:
    """A line of standard error for each epoch, as "epoch 2 of 3"."""
    take = ProgressBars.event

    def told(live: ProgressBars, event: Event) -> None:
        take(live, event)
        if isinstance(event, Epoch):
            print(f"epoch {event.record.epoch} of {event.job.epochs}", file=sys.stderr, flush=True)

    ProgressBars.event = told  # type: ignore[method-assign, assignment]


def tell_epochs_and_wait_for_workers() -> None:
    """As `tell_epochs`; workers that are to stop have as long as a busy machine needs."""
    tell_epochs()
    worker_pool.GRACE_SECONDS = PATIENCE_SECONDS  # type: ignore[attr-defined]  # its own import


def kill_after_the_third_epoch() -> None:
    """SIGKILL when three epochs have been heard of; a worker trains."""
    take, epochs = ProgressBars.event, [0]

    def struck(live: ProgressBars, event: Event) -> None:
        take(live, event)
        epochs[0] += isinstance(event, Epoch)
        if epochs[0] == 3:
            _kill()

    ProgressBars.event = struck  # type: ignore[method-assign, assignment]  # this process ends


def kill_after_the_first_order() -> None:
    """SIGKILL as soon as a worker has its first job."""
    order = WorkerProcess.order

    def struck(*words: Any) -> None:
        order(*words)
        _kill()

    WorkerProcess.order = struck  # type: ignore[method-assign, assignment]  # this process ends


def kill_in_mid_epoch() -> None:
    """SIGKILL after the second step of the second training; this process trains itself."""
    _at_step(7, signal.SIGKILL)


def ask_for_room_in_mid_epoch() -> None:
    """SIGUSR2 after the second step of the second training; this process trains itself."""
    _at_step(7, signal.SIGUSR2)


def kill_in_mid_checkpoint() -> None:
    """SIGKILL when half of the last checkpoint of the second training has reached the disk."""
    fsync, checkpoints = os.fsync, [0]

    def struck(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        checkpoints[0] += name.endswith(".part") and "safetensors" in name
        if checkpoints[0] == 4:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            _kill()
        fsync(descriptor)

    os.fsync = struck  # type: ignore[assignment]  # this process ends


def kill_before_the_second_line() -> None:
    """SIGKILL when the second result is there and nothing of its line is written."""
    _at_line(2, 0.0)


def kill_in_mid_line() -> None:
    """SIGKILL when half of the second line is written."""
    _at_line(2, 0.5)


def kill_after_line(number: int) -> None:
    """SIGKILL as soon as the ledger has so many lines, older ones included."""
    append = LedgerFile.append

    def struck(self: LedgerFile, line: bytes) -> int:
        begin = append(self, line)
        if self.path.read_bytes().count(b"\n") >= number:
            _kill()
        return begin

    LedgerFile.append = struck  # type: ignore[method-assign]  # this process ends


def interrupt_after_the_first_result() -> None:
    """SIGINT as Ctrl-C sends it, when a result has been heard of and other trainings go on."""
    take = ProgressBars.event

    def struck(live: ProgressBars, event: Event) -> None:
        take(live, event)
        if isinstance(event, Ended):
            os.kill(os.getpid(), signal.SIGINT)

    ProgressBars.event = struck  # type: ignore[method-assign, assignment]  # this process ends


def _at_line(number: int, part: float) -> None:
    append, calls = LedgerFile.append, [0]

    def struck(self: LedgerFile, line: bytes) -> int:
        calls[0] += 1
        if calls[0] == number:
            self._file.write(line[: int(part * len(line))])
            _kill()
        return append(self, line)

    LedgerFile.append = struck  # type: ignore[method-assign]  # this process ends


def _at_step(number: int, strike: signal.Signals) -> None:
    steps = [0]

    def count(*_: object) -> None:
        steps[0] += 1
        if steps[0] == number:
            os.kill(os.getpid(), strike)

    register_optimizer_step_post_hook(count)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
