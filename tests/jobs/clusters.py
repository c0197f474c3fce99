"""A Ray cluster of several nodes on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.jobs.small import PATIENCE_SECONDS

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

NODE = {
    "node_ip_address": "127.0.0.1",
    "object_store_memory": 80 << 20,
    "include_dashboard": False,
}


def add(cluster: Any, cpus: int = 1, gpus: int = 0) -> Any:
    """One more node, with so many GPUs pretended."""
    node = cluster.add_node(wait=False, num_cpus=cpus, num_gpus=gpus, **NODE)
    cluster._wait_for_node(node, PATIENCE_SECONDS)  # Ray itself would give it half a minute
    return node


@contextmanager
def cluster(nodes: int) -> Iterator[Any]:
    """So many nodes of one CPU; all their processes end with the block."""
    made = cluster_utils.Cluster()
    try:
        for _ in range(nodes):
            add(made)
        yield made
    finally:
        made.shutdown()
