"""The processes that torchrun started, and one job trained by all of them.

For each job they join anew, so that one which fails in a single process costs no other job.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch.distributed.distributed_c10d import PrefixStore, Store

from scaling_search.core.errors import LostPeerError, StoppedError, UserError
from scaling_search.jobs.execute import execute, release_memory
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.place import Place
from scaling_search.jobs.preemption import PREEMPTION
from scaling_search.jobs.result import OutOfMemory, Result, result_from_json, result_to_json
from scaling_search.jobs.torchrun_variables import started_by_torchrun
from scaling_search.training.distributed import Group, environment_store, is_peer_error, joined
from scaling_search.training.history import EpochRecord

LISTEN_SECONDS = 0.05
FAREWELL_SECONDS = 3
FAILURE_KEY = "word"  # what a process that fails alone leaves to the others


@dataclass
class Peers:
    """This process among those that torchrun started, and the store that they share."""

    group: Group
    local_rank: int
    store: Store
    orders: int = 0

    def order(self, order: object) -> None:
        """Tell the others what to do, as plain JSON values."""
        self.store.set(f"order-{self.orders}", json.dumps(order))
        self.orders += 1

    def next_order(self) -> Any:
        """The first process's next order, waited for as long as it takes."""
        key = f"order-{self.orders}"
        while not self.store.check([key]):
            time.sleep(LISTEN_SECONDS)
        self.orders += 1
        return json.loads(self.store.get(key))

    def leave(self) -> None:
        """Tell the first process that this one hears no more."""
        self.store.set(f"left-{self.group.rank}", "")

    def dismiss(self) -> None:
        """Let the others end, and give them the time to hear it: this process may be the store."""
        self.order(None)
        keys = [f"left-{rank}" for rank in range(1, self.group.world)]
        deadline = time.monotonic() + FAREWELL_SECONDS
        while not self.store.check(keys) and time.monotonic() < deadline:
            time.sleep(LISTEN_SECONDS)

    def train(
        self,
        job: TrainJob,
        place: Place,
        on_epoch: Callable[[EpochRecord], None] = lambda _: None,
    ) -> Result:
        """This process's part in the training that was ordered last; all have the same result.

        Where one of them finds no memory, all try once more. Raises UserError, StoppedError, or
        LostPeerError when another process has died.
        """
        if place.device == "cuda":
            place = replace(place, device=f"cuda:{self.local_rank}")
        result = self._attempt(0, job, place, on_epoch)
        if isinstance(result, OutOfMemory):
            release_memory(place)
            result = self._attempt(1, job, place, on_epoch)
        return result

    def _attempt(
        self, number: int, job: TrainJob, place: Place, on_epoch: Callable[[EpochRecord], None]
    ) -> Result:
        store = PrefixStore(f"job-{self.orders}-{number}", self.store)
        with joined(store, self.group, torch.device(place.device)) as connection:
            outcome = _outcome(job, place, self.group, on_epoch)
            _publish_failure(store, outcome)
            connection.broken = isinstance(outcome, Exception | OutOfMemory)
        if isinstance(outcome, LostPeerError):
            outcome = _published_failure(store) or outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@cache
def peers() -> Peers | None:
    """This process's peers, or None where it trains alone; waits until torchrun's store answers."""
    if not started_by_torchrun():
        return None
    group = Group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    return Peers(group, int(os.environ.get("LOCAL_RANK", "0")), environment_store())


RankOutcome = Result | UserError | LostPeerError


def _outcome(
    job: TrainJob, place: Place, group: Group, on_epoch: Callable[[EpochRecord], None]
) -> RankOutcome:
    """What came of it here. Errors as values: a traceback would keep the connections open."""
    try:
        return execute(
            job, place, stop_asked=lambda: PREEMPTION.requested, on_epoch=on_epoch, group=group
        )
    except UserError as error:
        return UserError(str(error))
    except StoppedError:
        PREEMPTION.requested = True  # be it this process or another
        raise
    except RuntimeError as error:
        if not is_peer_error(error):
            raise
        return LostPeerError("another process of the training ended")


def _publish_failure(store: Store, outcome: RankOutcome) -> None:
    """Tell the others why this process leaves the training, if it may be the only one to do so."""
    if isinstance(outcome, UserError):
        store.set(FAILURE_KEY, json.dumps({"mistake": str(outcome)}))
    elif isinstance(outcome, OutOfMemory):
        store.set(FAILURE_KEY, json.dumps({"result": result_to_json(outcome)}))


def _published_failure(store: Store) -> RankOutcome | None:
    if not store.check([FAILURE_KEY]):
        return None
    word = json.loads(store.get(FAILURE_KEY))
    return UserError(word["mistake"]) if "mistake" in word else result_from_json(word["result"])
