"""A Ray cluster of several nodes on this machine: loopback only, with a token, nothing reported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TOKEN = "0123456789abcdef" * 2
SETTINGS = {
    # By this name Ray keeps to the loopback address, on any system.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
}
os.environ.update(SETTINGS)  # Ray reads them when it is imported

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

NODE = {
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 80 << 20,
    "include_dashboard": False,
}


def add(cluster: Any, cpus: int = 1, gpus: int = 0) -> Any:
    """One more node, with so many GPUs pretended."""
    return cluster.add_node(num_cpus=cpus, num_gpus=gpus, **NODE)


_unable: list[str] = []


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """So many nodes of one CPU; all their processes end with the block.

    Where Ray itself can't start them (it gives its own servers half a minute each, which a busy
    machine may exceed), the test is skipped, and those after it without trying again.
    """
    if _unable:
        pytest.skip(_unable[0])
    made = cluster_utils.Cluster()
    try:
        _start(made, nodes)
        yield made
    finally:
        made.shutdown()


def _start(made: Any, nodes: int) -> None:
    try:
        for _ in range(nodes):
            add(made)
    except Exception as error:  # noqa: BLE001 - Ray raises bare exceptions here
        _unable.append(f"Ray can't start a node on this machine now: {error}")
        pytest.skip(_unable[0])
