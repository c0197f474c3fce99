"""The Ray cluster as a driver sees it: how to reach it, and how many jobs it has room for."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray._private.worker
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scaling_search.core.errors import UserError, require
from scaling_search.latency.process_runner import interpreter_settings

ANSWER_SECONDS = 5.0
RESOURCE_UNITS = 10_000  # Ray counts resources in ten-thousandths


@contextmanager
def connected(address: str, cpus: int) -> Iterator[None]:
    """A connection to a cluster, of this process.

    The address is "host:port", "auto" for the cluster that this machine belongs to, or "local"
    for one of so many CPUs that begins and ends with the block. Raises UserError when no cluster
    answers.
    """
    _check(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    starts: dict[str, Any] = {}
    if address == "local":
        starts = {"num_cpus": cpus, "include_dashboard": False}
    # Standard output is ours. Ray's own switch, as its debugger uses it, for what `log_to_driver`
    # leaves on: it prints a page about each node that is lost.
    ray._private.worker._worker_logs_enabled = False
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **starts)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise _unreachable(address, str(error).partition("\n")[0]) from error
    finally:
        # Ray takes SIGTERM for itself, which asks a run to make room.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        ray.shutdown()


def _check(address: str) -> None:
    """Raise UserError for an address where nobody listens; Ray would try for minutes."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    plain = bool(colon) and "/" not in host and port.isdecimal()
    require(
        plain, "a Ray address is auto, local or host:port", address, "a node's own port is 6379"
    )
    if not is_listening(address):
        raise _unreachable(address, "nobody listens there")


def is_listening(address: str) -> bool:
    """Whether anybody listens at "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def _unreachable(address: str, reason: str) -> UserError:
    if "AF_UNIX" in reason:
        folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
        return UserError(
            f"a Ray cluster needs a folder with a short name for its sockets, got {folder!r}: "
            "name another, such as /tmp, in RAY_TMPDIR"
        )
    return UserError(
        f"a Ray cluster must answer, got {address!r} ({reason}): start one with `ray start "
        "--head`, run this on a node of it, and let RAY_AUTH_TOKEN_PATH name its token"
    )


def live_nodes() -> list[dict[str, Any]]:
    """The nodes that Ray takes to be there."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in nodes if node["Alive"]]


def has_gpus() -> bool:
    """Whether any node has a GPU."""
    return any(node["Resources"].get("GPU", 0) > 0 for node in live_nodes())


@dataclass(frozen=True)
class Slots:
    """A job takes one CPU and `gpus_per_job` GPUs, which may be a part of one.

    At most `at_most` run at once (None: as many as there is room for).
    """

    gpus_per_job: float = 0.0
    at_most: int | None = None

    def __post_init__(self) -> None:
        """Raise UserError for GPUs that Ray can't give."""
        gpus = self.gpus_per_job
        fits = gpus == 0 or 1 / RESOURCE_UNITS <= gpus <= 1 or (gpus > 1 and gpus == gpus // 1)
        require(fits, "GPUs per job must be a part of one, or a whole number", gpus)
        enough = self.at_most is None or self.at_most >= 1
        require(enough, "on Ray, workers (jobs at once) must be 1 or more", self.at_most)

    def count(self, nodes: Sequence[Mapping[str, Any]]) -> int:
        """How many jobs fit at once; a job that takes a part takes it of one GPU."""
        fitting = sum(self._slots_of(node["Resources"]) for node in nodes)
        return fitting if self.at_most is None else min(fitting, self.at_most)

    def check(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Raise UserError when no node fits a single job."""
        if self.count(nodes) == 0:
            resources = [
                {kind: node["Resources"].get(kind, 0) for kind in ("CPU", "GPU")} for node in nodes
            ]
            rule = f"a node must have room for a job: 1 CPU, {self.gpus_per_job:g} GPU"
            require(False, rule, resources, "start nodes that have, or lower --gpus-per-job")

    def remote(self, function: Callable[..., Any]) -> Any:
        """The function as a Ray task that takes this much, is never repeated, on one thread.

        A process that has used a GPU ends with its task, or the next might be given another GPU
        than it holds: that is Ray's own default, for functions made like this.
        """
        environment = {"env_vars": interpreter_settings(1)}
        make = ray.remote(
            num_cpus=1, num_gpus=self.gpus_per_job, max_retries=0, runtime_env=environment
        )
        return make(function)

    def _slots_of(self, resources: Mapping[str, float]) -> int:
        cpus, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
        if self.gpus_per_job == 0:
            return cpus
        if self.gpus_per_job > 1:
            return min(cpus, gpus // int(self.gpus_per_job))
        return min(cpus, gpus * (RESOURCE_UNITS // round(RESOURCE_UNITS * self.gpus_per_job)))


def pinned_to(node: str) -> NodeAffinitySchedulingStrategy:
    """On this node and nowhere else."""
    return NodeAffinitySchedulingStrategy(node, soft=False)


def send_sigterm(node: str, pid: int) -> None:
    """Send SIGTERM to a process of that node; what becomes of it is not awaited.

    A soft `ray.cancel` would stop the task too, but cut off what it has still to say.
    """

    # A function within a function is sent as such: nothing of the package is imported for it.
    def terminate() -> None:
        os.kill(pid, signal.SIGTERM)

    _start_on(node, terminate)


def kill_if_stopped(node: str, pid: int) -> None:
    """Kill a process of that node which SIGSTOP holds; whether it was one is not awaited.

    `ray.cancel(force=True)` asks the process itself, which can't hear it, and Ray's own SIGKILL
    after that does not always come. On a busy machine it may be long before a process that was sent
    SIGSTOP is seen to have stopped: it is looked at until it has ended, for about a minute at most.
    """

    def kill() -> None:
        status = Path(f"/proc/{pid}/stat")
        for _ in range(600):
            try:
                state = status.read_text().rpartition(")")[2].split()[0]
            except OSError:
                return
            if state in "Tt":
                os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.1)

    _start_on(node, kill)


def _start_on(node: str, function: Callable[[], None]) -> None:
    task = ray.remote(num_cpus=0, max_retries=0)(function)
    task.options(scheduling_strategy=pinned_to(node)).remote()
