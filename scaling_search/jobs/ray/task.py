"""What a Ray task does: one job on a node of the cluster, told while it goes on.

The training has a thread of its own, so that the main thread can tell of epochs, send checkpoints
and hear SIGTERM: from the driver that ends, or from whoever takes the node away. The training then
stops at its next step, its checkpoint written.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ray
import torch

from scaling_search.core.errors import StoppedError, UserError, require
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.jobs.environment import where_on
from scaling_search.jobs.execute import execute
from scaling_search.jobs.failure import failure, lost_files
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.ray.checkpoint_files import CheckpointFile, new_files, write_file
from scaling_search.jobs.result import Result
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.history import EpochRecord

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Order:
    """A job, where the driver keeps checkpoints, and those that the job may go on from.

    `mark` is a file of the driver's in the directory of the checkpoints, or empty where none are
    kept: a node that finds it shares that directory, and leaves these files alone.
    """

    job: TrainJob
    place: Place
    mark: str
    checkpoints: tuple[ray.ObjectRef[list[CheckpointFile]], ...] = ()


@dataclass(frozen=True)
class Node:
    """Where a task runs: Ray's name of the node, the process, a record's `where`, versions."""

    node: str
    pid: int
    shares_checkpoints: bool
    where: dict[str, str]
    versions: tuple[str, str]


@dataclass(frozen=True)
class TaskResult:
    """The job's result."""

    result: Result


@dataclass(frozen=True)
class TaskError:
    """The one line of an error that the user can mend."""

    text: str


@dataclass(frozen=True)
class TaskStopped:
    """The task was asked to stop; the checkpoint is written."""


TaskMessage = Node | EpochRecord | CheckpointFile | TaskResult | TaskError | TaskStopped


def required_versions() -> tuple[str, str]:
    """What must be the same everywhere, or results would depend on the node."""
    return f"torch {torch.__version__.partition('+')[0]}", f"scaling_search {_own_version()}"


def node_seen(mark: str, device: str) -> Node:
    """What the driver wants to know of this node."""
    node = ray.get_runtime_context().get_node_id()
    shares = not mark or Path(mark).exists()
    return Node(node, os.getpid(), shares, where_on(device), required_versions())


def work(order: Order) -> Iterator[TaskMessage]:
    """Train the order's job; its node comes first, then epochs and checkpoints, then one end."""
    stop = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(_sigterm_sets(stop))
        node = node_seen(order.mark, order.place.device)
        yield node
        place = order.place if node.shares_checkpoints else _task_place(order, stack)
        epochs: queue.SimpleQueue[EpochRecord] = queue.SimpleQueue()
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(stop.set)
        future = pool.submit(_train, order.job, place, stop.is_set, epochs.put)
        policy = (
            None if node.shares_checkpoints else place.checkpoint_policy(order.job, stop.is_set)
        )
        sent_names = {path.name for path in _files(policy)}
        ended = False
        while not ended:
            ended = bool(wait([future], POLL_SECONDS).done)
            while not epochs.empty():
                yield epochs.get()
            if policy is not None:
                yield from new_files(policy, sent_names)
        yield _last_message(future)


def _last_message(future: Future[Result]) -> TaskMessage:
    try:
        return TaskResult(future.result())
    except UserError as error:
        address = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return TaskError(f"{error} (on node {address})")
    except StoppedError:
        return TaskStopped()
    except OSError as error:
        return TaskError(lost_files(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever a network's code may raise)
        return TaskResult(failure(error, sys.stderr))


def _train(
    job: TrainJob,
    place: Place,
    stop_asked: Callable[[], bool],
    on_epoch: Callable[[EpochRecord], None],
) -> Result:
    torch.set_num_threads(1)  # a thread's own experiment
    fingerprint = _fingerprint(job.data)
    require(
        fingerprint == job.images,
        f"every node must have the images of the driver, {job.images} by their fingerprint",
        fingerprint,
        "copy the same files there, or name a root that all nodes share",
    )
    return execute(job, place, stop_asked=stop_asked, on_epoch=on_epoch)


@lru_cache(maxsize=4)
def _fingerprint(data: DataRequest) -> str:
    """What this node finds; checked once by a process that does many jobs."""
    return describe(replace(data, validation_seed=None)).fingerprint


def _task_place(order: Order, stack: ExitStack) -> Place:
    """A directory of this task's own, with the checkpoints that came along."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="scaling-search-"))
    place = replace(order.place, checkpoints=folder)
    policy = place.checkpoint_policy(order.job, lambda: False)
    if policy is not None:
        for files in ray.get(list(order.checkpoints)):
            for file in files:
                write_file(file, policy)
    return place


def _files(policy: CheckpointPolicy | None) -> list[Path]:
    return [] if policy is None else list(policy.plateau.rglob("*.safetensors"))


@contextmanager
def _sigterm_sets(stop: threading.Event) -> Iterator[None]:
    handler = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _own_version() -> str:
    try:
        return version("scaling-search")
    except PackageNotFoundError:  # run from a checkout
        return "not installed"
