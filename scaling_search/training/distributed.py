"""Several processes that train one network together, as torchrun starts them.

A batch is the same whatever their number: each process takes its part of every batch of the same
order, and gradients are averaged, so that the losses are those of one process within rounding. Only
batch norms see the part alone, unless the recipe synchronises them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.distributed_c10d import Store, _abort_process_group
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from scaling_search.core.errors import require
from scaling_search.cost.current_device import make_current
from scaling_search.training.recipe import Recipe
from scaling_search.training.sync_norm import synchronised

# A process that dies is noticed at once; this is for one that stands still. It covers the wait for
# whoever makes images ready at another speed.
TIMEOUT = timedelta(minutes=30)
CPU = torch.device("cpu")

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """One process among `world` that train a network together; by default it is alone.

    What is asked of it is asked by all of them at the same point, for each waits for the others.
    """

    rank: int = 0
    world: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that reads and writes files."""
        return self.rank == 0

    def part_size(self, recipe: Recipe) -> int:
        """How many images of each of a batch's `accumulate` parts are this process's.

        Raises UserError when a batch can't be shared out evenly.
        """
        parts = self.world * recipe.accumulate
        rule = f"batch_size must divide by {self.world} processes"
        if recipe.accumulate > 1:
            rule += f" × accumulate = {recipe.accumulate}"
        near = max(1, round(recipe.batch_size / parts)) * parts
        hint = f"{near} would do"
        require(recipe.batch_size % parts == 0, rule, recipe.batch_size, hint)
        return recipe.batch_size // parts

    def shard(self, order: torch.Tensor, size: int) -> torch.Tensor:
        """What is this process's of an order (int64, N) dealt out `size` at a time: parts × size.

        The processes' shares, one after the other, are one part of a batch.
        """
        return order.view(-1, self.world, size)[:, self.rank]

    def slice_of_indices(self, count: int) -> torch.Tensor:
        """This process's of the indices 0..count-1, each of which is one process's alone."""
        return torch.arange(count).tensor_split(self.world)[self.rank]

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a tensor over the processes, in its place."""
        if self.world > 1:
            dist.all_reduce(value)
            value /= self.world
        return value

    def total(self, count: int) -> int:
        """The sum of a count over the processes."""
        if self.world == 1:
            return count
        # On the CPU, so that nobody waits for a GPU's queue.
        counts = torch.tensor(count)
        dist.all_reduce(counts)
        return int(counts)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of a tensor over the processes, on the CPU: a small one, for it is copied."""
        summed = values.cpu()
        if self.world > 1:
            dist.all_reduce(summed)
        return summed

    def any(self, condition: bool) -> bool:
        """Whether it holds in any process."""
        return self.total(int(condition)) > 0

    def from_main(self, value: T) -> T:
        """What the first process's value is."""
        if self.world == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0, device=CPU)
        return values[0]

    def broadcast_buffers(self, model: nn.Module) -> None:
        """Give all processes the first one's buffers, such as the statistics of batch norms."""
        for buffer in model.buffers() if self.world > 1 else ():
            dist.broadcast(buffer, src=0)

    def synchronised(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The model with batch norms that see the parts of all processes; names stay."""
        return model if self.world == 1 else synchronised(model, device)

    def parallel(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The model such that its gradients are averaged over the processes, itself if alone."""
        if self.world == 1:
            return model
        parallel_model = DistributedDataParallel(
            model, device_ids=[device] if device.type == "cuda" else None
        )
        # Once an epoch, before scoring, is enough: nothing in training reads buffers. As an
        # argument it has another name in every other version of torch.
        parallel_model.broadcast_buffers = False
        return parallel_model


ALONE = Group()


@dataclass
class GroupConnection:
    """How the processes of a group reach each other while they train.

    Whoever leaves alone says so: `broken` is set, and nothing is waited for at the end.
    """

    broken: bool = False


@contextmanager
def joined(store: Store, group: Group, device: torch.device) -> Iterator[GroupConnection]:
    """Within this block the processes that share the store can talk to each other.

    After an error, and where the connection is broken, this process leaves without waiting for what
    the others will never do: NCCL would wait for its kernels to end, as long as the timeout is.
    """
    # Its functions keep the group that there is when it is imported, as a default argument, and
    # with it the connections; torch.optim imports it sooner or later.
    import torch.distributed.nn  # noqa: F401

    backend, connection = "gloo", GroupConnection()
    make_current(device)
    if device.type == "cuda":
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(
        backend, store=store, rank=group.rank, world_size=group.world, timeout=TIMEOUT
    )
    try:
        yield connection
    except BaseException:
        connection.broken = True
        raise
    finally:
        _leave(connection)
        # The connections close with the last reference: the others must not wait for this process.
        gc.collect()


def _leave(connection: GroupConnection) -> None:
    if connection.broken:
        # Some backends can't be aborted, and wait for nothing when they are destroyed.
        with suppress(RuntimeError):
            _abort_process_group()
    if dist.is_initialized():
        dist.destroy_process_group()


def is_peer_error(error: RuntimeError) -> bool:
    """Whether an error says that another process can't be reached; torch has no class for it."""
    text = str(error)
    return isinstance(error, dist.DistError) or "gloo" in text or "NCCL" in text


def environment_store() -> Store:
    """The store that torchrun's variables name; waits until its server answers."""
    store: Store = next(rendezvous("env://", timeout=TIMEOUT))[0]
    return store
