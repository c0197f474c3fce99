"""The program where torchrun starts it several times: one process leads, the others follow.

The first process runs as if it were alone: it alone reads the command line, opens the ledger,
writes files and prints. The others do nothing but train what it orders.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.distributed as dist

from scaling_search.core.errors import LostPeerError, StoppedError, UserError, require
from scaling_search.jobs.backend import OpenedBackend
from scaling_search.jobs.environment import environment
from scaling_search.jobs.execute import release_memory
from scaling_search.jobs.executor import Ended, Epoch, Event, NextJob, Started
from scaling_search.jobs.job import TrainJob, job_from_json, job_to_json
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION, REQUEUE
from scaling_search.jobs.torchrun import Peers, peers
from scaling_search.training.history import EpochRecord
from scaling_search.training.recipe import Recipe

READERS_VARIABLE = "SCALING_SEARCH_READERS"  # an option of the first process's command line

T = TypeVar("T")


@dataclass(frozen=True)
class TorchrunExecutor:
    """Runs one job after the other in all processes; the executor of the first one.

    `on_event` is called with each epoch; all other events come from `run`.
    """

    peers: Peers
    place: Place
    on_event: Callable[[Event], None] = lambda _: None

    def run(self, source: NextJob) -> Iterator[Event]:
        """Run one job after the other; raises LostPeerError when another process dies."""
        torch.set_num_threads(1)
        while (job := source()) is not None:
            yield Started(job)
            order = {"job": job_to_json(job), "place": asdict(self.place)}
            self.peers.order(order | {"readers": os.environ.get(READERS_VARIABLE)})
            with PREEMPTION.polled():
                result = self.peers.train(job, self.place, self._epoch_callback(job))
            yield Ended(job, result)

    def rest(self) -> None:
        """Keep no memory of this process's device; the others are on devices of their own."""
        release_memory(self.place)

    def _epoch_callback(self, job: TrainJob) -> Callable[[EpochRecord], None]:
        return lambda record: self.on_event(Epoch(job, record))


@dataclass(frozen=True)
class TorchrunBackend:
    """A run's jobs by all processes that torchrun started."""

    peers: Peers
    on_event: Callable[[Event], None]

    def check(
        self, recipe: Recipe, device: str, workers: int | None, limit_seconds: float | None
    ) -> None:
        """Raise UserError for what only a process alone can do."""
        rule_begin = "the processes that torchrun starts train together"
        require(
            workers in (None, 0), f"{rule_begin}, without workers", workers, "leave --workers out"
        )
        rule = f"{rule_begin}, as long as it takes"
        require(limit_seconds is None, rule, limit_seconds, "leave --job-timeout out")
        rule = f"{rule_begin}, each on a device of its own"
        require(device in ("cpu", "cuda"), rule, device, "ask for --device cuda")
        local_ranks, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
        rule = f"torchrun must start at most one process for each of {gpus} GPUs"
        require(
            device == "cpu" or local_ranks <= gpus, rule, local_ranks, f"--nproc-per-node {gpus}"
        )
        self.peers.group.part_size(recipe)

    @contextmanager
    def open(
        self, device: str, _workers: int | None, out: Path, _limit_seconds: float | None
    ) -> Iterator[OpenedBackend]:
        """What runs the jobs."""
        world = self.peers.group.world
        entries = environment(device, 1) | {"processes per training": str(world)}
        place = Place(device, str(out / "checkpoints"))
        yield OpenedBackend(TorchrunExecutor(self.peers, place, self.on_event), device, entries)


def run_on_ranks(program: Callable[[], T]) -> T:
    """Run the program, or, in all processes but the first, only what the first one orders.

    The latter end here: 0 once the first one has ended, whatever came of it.
    """
    ranks = peers()
    if ranks is None:
        return program()
    if not ranks.group.is_main:
        sys.exit(follow(ranks))
    try:
        return program()
    finally:
        with suppress(dist.DistError):  # torchrun has ended, or one of the others
            ranks.dismiss()


def follow(ranks: Peers) -> int:
    """Train what the first process orders until it ends; the exit status."""
    torch.set_num_threads(1)
    try:
        while (order := ranks.next_order()) is not None:
            if order["readers"] is not None:
                os.environ[READERS_VARIABLE] = order["readers"]
            _train(ranks, order["job"], Place(**order["place"]))
    except (StoppedError, dist.DistError):  # asked to stop; or the first one has taken the store
        return 0
    except LostPeerError:
        return 1
    except KeyboardInterrupt:
        return REQUEUE
    finally:
        with suppress(dist.DistError):
            ranks.leave()
    return 0


def _train(ranks: Peers, job: object, place: Place) -> None:
    with suppress(UserError), PREEMPTION.polled():  # the first one says it
        ranks.train(job_from_json(job), place)
