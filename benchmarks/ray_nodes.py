"""Claim: two Ray nodes of one CPU each give at least 1.7 times the jobs per minute of one.

Peer: one node of them at a time, the other idle. Both are warm, train the same jobs from nothing
in alternation, and must give the same results. The nodes are two on this machine.
`python benchmarks/ray_nodes.py [--json]`; needs the extra `ray`; three minutes on two cores.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from parallel import GOAL, JOBS, PAIRS, conclude, jobs, show, without_times

from scaling_search.jobs.execute import Place
from scaling_search.jobs.executor import Ended, each_of
from scaling_search.jobs.job import Result, TrainJob
from scaling_search.jobs.ray.cluster import Slots, alive, answers, connected
from scaling_search.jobs.ray.executor import RayTasks

HOST = "127.0.0.2"  # loopback; 127.0.0.1 is what Ray takes for the machine's own address
PATIENCE_SECONDS = 120.0
OPTIONS = ("--block", "--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats")


@contextmanager
def node(*options: str) -> Iterator[None]:
    """A Ray node of one CPU; in a session of its own, as its kernel would have it elsewhere.

    Linux shares a busy machine out among sessions, so two nodes of one session would share too.
    """
    ray = str(Path(sys.executable).parent / "ray")
    ports = ("--min-worker-port=0", "--max-worker-port=0")
    command = [ray, "start", *OPTIONS, *ports, *options]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, start_new_session=True, stdout=quiet, stderr=quiet) as started:
        try:
            yield
        finally:
            started.terminate()


@contextmanager
def cluster() -> Iterator[None]:
    """A connection to two nodes on this machine, without a token: nobody else can reach them."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    address = f"{HOST}:{port}"
    head = ("--head", f"--node-ip-address={HOST}", f"--port={port}", "--include-dashboard=false")
    deadline = time.monotonic() + PATIENCE_SECONDS
    with ExitStack() as stack:
        stack.enter_context(node(*head))
        while not answers(address) and time.monotonic() < deadline:
            time.sleep(0.5)
        stack.enter_context(node(f"--address={address}"))
        stack.enter_context(connected(address, 1))
        while len(alive()) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        yield


def timed(tasks: RayTasks, work: Sequence[TrainJob]) -> tuple[float, dict[int, Result]]:
    """The seconds from the first order to the last result, and the results by seed."""
    began = time.perf_counter()
    found = {e.job.seed: e.result for e in tasks.run(each_of(work)) if isinstance(e, Ended)}
    return time.perf_counter() - began, found


def measure(one: RayTasks, two: RayTasks) -> list[tuple[float, float]]:
    """The seconds of one node and of two, in pairs whose order is shuffled."""
    # Each node more than once: its process starts, imports, and loads the images.
    timed(two, jobs(range(4)))
    shuffle, pairs = random.Random(0), []
    work = jobs(range(100, 100 + JOBS))
    for _ in range(PAIRS):
        order = [("one", one), ("two", two)]
        shuffle.shuffle(order)
        found = {name: timed(tasks, work) for name, tasks in order}
        if without_times(found["one"][1]) != without_times(found["two"][1]):
            raise ValueError("one node and two must give the same results")
        pairs.append((found["one"][0], found["two"][0]))
    return pairs


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        stack.enter_context(cluster())
        # No checkpoints: each time, every job is trained from nothing.
        one, two = (stack.enter_context(RayTasks(Place(), Slots(at_most=n))) for n in (1, 2))
        pairs = measure(one, two)
    claim = replace(
        conclude(pairs),
        claim=f"two Ray nodes give at least {GOAL} times the jobs per minute of one",
        peer="one node",
    )
    if "--json" in sys.argv[1:]:
        print(json.dumps(asdict(claim)))
    else:
        show(claim, pairs)


if __name__ == "__main__":
    main()
