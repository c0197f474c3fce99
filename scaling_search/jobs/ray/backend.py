"""A run's wish to train on a Ray cluster, and what comes of it. Ray itself is imported on use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scaling_search.core.errors import require
from scaling_search.jobs.backend import OpenedBackend
from scaling_search.jobs.environment import chosen_device, environment
from scaling_search.jobs.executor import default_workers
from scaling_search.jobs.place import Place


@dataclass(frozen=True)
class RayBackend:
    """A cluster by its address ("host:port", "auto" or "local"), and a job's share of a GPU.

    `gpus_per_job` None is one GPU where the cluster has any, and else none.
    """

    address: str
    gpus_per_job: float | None = None

    def __post_init__(self) -> None:
        """Raise UserError, before any image is read, where Ray is not installed."""
        rule, hint = "--ray needs the package ray", "pip install 'scaling-search[ray]'"
        require(find_spec("ray") is not None, rule, None, hint)

    @contextmanager
    def open(
        self, device: str, at_most: int | None, out: Path, limit_seconds: float | None
    ) -> Iterator[OpenedBackend]:
        """The cluster while it is connected; at most so many jobs run at once.

        `device` is "cpu", "cuda", or "auto": a GPU if a job takes some of one. Raises UserError
        when no cluster answers, or it has no room for a job.
        """
        from scaling_search.jobs.ray import cluster, executor

        with cluster.connected(self.address, at_most or default_workers("cpu")):
            gpus = self._gpus(device, cluster.has_gpus())
            slots = cluster.Slots(gpus, at_most)
            place = Place("cuda" if gpus else "cpu", str(out / "checkpoints"))
            with executor.RayExecutor(place, slots, limit_seconds) as tasks:
                own_device = chosen_device("cpu" if device == "cpu" else "auto")
                entries = environment(own_device, slots.count(cluster.live_nodes()))
                yield OpenedBackend(tasks, own_device, entries | tasks.environment)

    def _gpus(self, device: str, there_are: bool) -> float:
        hint = "Ray chooses the GPU of each job"
        fits = device in ("auto", "cpu", "cuda")
        require(fits, "on Ray the device must be auto, cpu or cuda", device, hint)
        if self.gpus_per_job is None:
            return float(device == "cuda" or (device == "auto" and there_are))
        alike = device == "auto" or (device == "cuda") == (self.gpus_per_job > 0)
        rule = f"--gpus-per-job must suit --device {device}"
        require(alike, rule, self.gpus_per_job, "leave one of them out")
        return self.gpus_per_job
