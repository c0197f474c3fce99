"""Claim: two Ray nodes of one CPU each give at least 1.7 times the jobs per minute of one.

Peer: one node of them at a time, the other idle. Both are warm, train the same jobs from nothing
in alternation, and must give the same results. The nodes are two on this machine.
`python benchmarks/ray_nodes.py [--json]`; needs the extra `ray`; three minutes on two cores.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from claim import parser_of, print_claims
from parallel import JOBS, conclude, jobs, measure, show, timed

from scaling_search.jobs.place import Place
from scaling_search.jobs.ray.cluster import Slots, connected, is_listening, live_nodes
from scaling_search.jobs.ray.executor import RayExecutor

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
        while not is_listening(address) and time.monotonic() < deadline:
            time.sleep(0.5)
        stack.enter_context(node(f"--address={address}"))
        stack.enter_context(connected(address, 1))
        while len(live_nodes()) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        yield


def main() -> None:
    """Measure and print."""
    asked = parser_of(__doc__).parse_args()
    with ExitStack() as stack:
        stack.enter_context(cluster())
        # No checkpoints: each time, every job is trained from nothing.
        one, two = (stack.enter_context(RayExecutor(Place(), Slots(at_most=n))) for n in (1, 2))
        # Each node more than once: its process starts, imports, and loads the images.
        timed(two, jobs(range(4)))
        pairs = measure(one, two, jobs(range(100, 100 + JOBS)), exact=True)
    if not asked.json:
        show(pairs)
    print_claims([conclude(pairs, "two Ray nodes", "one node")], as_json=asked.json, workers=2)


if __name__ == "__main__":
    main()
