"""A worker process: jobs come in as JSON lines, epochs and results go out as JSON lines.

It is started by `worker_process.WorkerProcess` and by nobody else. It stops at the next step, its
checkpoint written, on SIGTERM, on SIGUSR2 and when its standard input ends, which is what happens
when the driver is killed.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

import torch

from scaling_search.core.errors import StoppedError, UserError
from scaling_search.cost import device_memory
from scaling_search.jobs.cards import GPU
from scaling_search.jobs.environment import where_on
from scaling_search.jobs.execute import execute
from scaling_search.jobs.failure import failure, lost_files
from scaling_search.jobs.job import job_from_json
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import SIGNALS
from scaling_search.jobs.result import OutOfMemory, result_to_json
from scaling_search.latency.conditions import uuid_of

COUNT_SECONDS = 0.5  # between two messages on the steps of a trial


def main(pipe: int) -> None:
    """Work until standard input ends; answers go into the pipe of this number."""
    torch.set_num_threads(1)
    answers = os.fdopen(pipe, "w")
    os.set_inheritable(pipe, False)  # readers don't keep it open when this process has died
    stop = threading.Event()
    # A signal handler may put into a SimpleQueue, even while it interrupts `get`.
    orders: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def end(*_: object) -> None:
        stop.set()
        orders.put(None)

    for number in SIGNALS:
        signal.signal(number, end)
    # Its driver starts it with this one blocked, which would kill it before it listens.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
    threading.Thread(target=_listen, args=(orders, end), daemon=True).start()
    while (line := orders.get()) is not None and not stop.is_set():
        _work(json.loads(line), answers, stop)


def _work(order: dict[str, Any], answers: TextIO, stop: threading.Event) -> None:
    def say(kind: str, content: object) -> None:
        print(json.dumps({kind: content}), file=answers, flush=True)

    def report(kind: str, content: object) -> None:
        """Say how far it is; once the driver is gone the next step writes a checkpoint and ends."""
        try:
            say(kind, content)
        except BrokenPipeError:
            stop.set()

    place = Place(**order["place"])
    try:
        if place.device != "cpu":
            say("where", where_on(place.device) | {GPU: uuid_of(place.device)})
        result = execute(
            job_from_json(order["job"]),
            place,
            stop_asked=_step_reporter(stop.is_set, report) if order["counts"] else stop.is_set,
            on_epoch=lambda record: report("epoch", asdict(record)),
        )
        if isinstance(result, OutOfMemory):
            say("others bytes", device_memory.others_bytes(torch.device(place.device)))
        say("result", result_to_json(result))
    except UserError as error:
        say("mistake", str(error))
    except (StoppedError, BrokenPipeError):
        return  # asked to end, or the driver is gone and with it standard input
    except OSError as error:
        say("mistake", lost_files(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a network's code may raise)
        say("result", result_to_json(failure(error, sys.stderr)))


def _step_reporter(
    stop_asked: Callable[[], bool], say: Callable[[str, object], None]
) -> Callable[[], bool]:
    """The question that is asked after every step, which tells how many there were, and when."""
    steps, reported = 0, 0.0

    def stop_requested() -> bool:
        nonlocal steps, reported
        steps += 1
        now = time.monotonic()
        if now - reported >= COUNT_SECONDS:
            reported = now
            say("steps", [steps, now])
        return stop_asked()

    return stop_requested


def _listen(orders: queue.SimpleQueue[str | None], end: Callable[[], None]) -> None:
    for line in sys.stdin:
        orders.put(line)
    end()
