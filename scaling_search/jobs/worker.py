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
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TextIO

import torch

from scaling_search.core.errors import UserError
from scaling_search.jobs.execute import Place, execute
from scaling_search.jobs.failure import failure, lost_files
from scaling_search.jobs.job import job_from_json, result_to_json
from scaling_search.jobs.preemption import SIGNALS
from scaling_search.training.loop import StoppedError


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

    try:
        result = execute(
            job_from_json(order["job"]),
            Place(**order["place"]),
            stop_asked=stop.is_set,
            on_epoch=lambda record: say("epoch", asdict(record)),
        )
        say("result", result_to_json(result))
    except UserError as error:
        say("mistake", str(error))
    except (StoppedError, BrokenPipeError):
        return  # asked to end, or the driver is gone and with it standard input
    except OSError as error:
        say("mistake", lost_files(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a network's code may raise)
        say("result", result_to_json(failure(error, sys.stderr)))


def _listen(orders: queue.SimpleQueue[str | None], end: Callable[[], None]) -> None:
    for line in sys.stdin:
        orders.put(line)
    end()
