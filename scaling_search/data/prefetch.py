"""Batches read ahead of a training, by processes of their own.

Which images make up a batch is given beforehand, and the batches come in that order, so the number
of readers changes nothing but the time. Readers start from a fork server: a process that holds
CUDA, NCCL or threads must not be forked. A script of the user's that trains in its own process
therefore needs the usual `if __name__ == "__main__":`.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from scaling_search.core.child_interpreter import safe_path
from scaling_search.core.errors import UserError, require
from scaling_search.data.splitting import Indices

Read = Callable[[torch.Tensor], torch.Tensor]
"""Indices (int64, B, CPU) to images (uint8, B × C × px × px, CPU); readers take it pickled."""

TRAININGS_AT_ONCE = "SCALING_SEARCH_TRAININGS_AT_ONCE"  # a run's workers are told
MOST_READERS = 16
BATCHES_AHEAD = 2  # batches that each reader has made or is making
IDLE_POOLS = 2  # sets of idle readers that wait for another epoch: those of train and of validation
SOCKET_BYTES = len("/pymp-xxxxxxxx/listener-xxxxxxxx")  # of multiprocessing, below TMPDIR
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (where the system keeps it; nothing is written here)


def reader_count(device: torch.device) -> int:
    """How many processes read for one training: SCALING_SEARCH_READERS, or what suits the device.

    On a GPU the cores that this process may use are shared by the trainings that torchrun started,
    or by those of a run's workers; on a CPU they are busy with training, and one reader is enough
    to overlap the two.
    """
    named = os.environ.get("SCALING_SEARCH_READERS")
    if named is not None:
        rule = "SCALING_SEARCH_READERS must be a whole number, 0 or more"
        require(named.isdecimal(), rule, named, "0 reads in the training's own process")
        return int(named)
    if device.type == "cpu":
        return 1
    together = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    at_once = int(os.environ.get(TRAININGS_AT_ONCE, "1"))
    return max(1, min(MOST_READERS, _usable_cores() // (together * at_once)))


def _usable_cores() -> int:
    """A batch system gives a process some of a machine's cores."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_ahead(
    read: Read, batches: Sequence[torch.Tensor], readers: int, *, image_bytes: int, pin: bool
) -> Iterator[torch.Tensor]:
    """The images of each batch in turn, read by so many processes (0: here, when asked for).

    `pin` puts them where a copy to a GPU needs not be waited for. Readers that can't all have
    their batches in shared memory are left out, and so are all of them where none can start.
    Raises UserError as `read` does.
    """
    largest = max(map(len, batches), default=0) * image_bytes
    readers = min(readers, len(batches), _readers_with_room(largest)) if _can_start() else 0
    if readers == 0:
        for batch in batches:
            yield read(batch)
        return
    key = (read, readers, pin)
    ahead = _idle.pop(key, None) or _ReaderPool(read, readers, pin)
    try:
        yield from ahead.read([batch.numpy() for batch in batches])
    finally:
        _idle[key] = ahead
        while len(_idle) > IDLE_POOLS:
            del _idle[next(iter(_idle))]


class _ReaderPool:
    """Processes that read; they end with this object, or with their parent."""

    def __init__(self, read: Read, readers: int, pin: bool) -> None:
        self._order = _Order()
        self._loader = _Loader(
            _Batches(read),
            batch_size=None,  # an item of the order is a whole batch
            sampler=self._order,
            num_workers=readers,
            prefetch_factor=BATCHES_AHEAD,
            persistent_workers=True,
            pin_memory=pin,
            multiprocessing_context=_context(),
            worker_init_fn=_end_with_parent,
        )

    def read(self, batches: list[Indices]) -> Iterator[torch.Tensor]:
        self._order.batches = batches
        for images in self._loader:
            if isinstance(images, str):
                raise UserError(images)
            yield images


class _Loader(DataLoader[torch.Tensor | str]):
    def check_worker_number_rationality(self) -> None:
        """Say nothing: where there are more readers than cores, a user asked for them."""


class _Order(Sampler[Indices]):
    """The batches of the epoch that is being read."""

    def __init__(self) -> None:
        self.batches: list[Indices] = []

    def __iter__(self) -> Iterator[Indices]:
        return iter(self.batches)


class _Batches(Dataset[torch.Tensor | str]):
    """What a reader does for a batch; a mistake of the user's comes back as its line."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def __getitem__(self, indices: Indices) -> torch.Tensor | str:
        try:
            return self._read(torch.from_numpy(indices))
        except UserError as error:
            return str(error)


_idle: dict[tuple[Read, int, bool], _ReaderPool] = {}


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # Imported once by the server, where each reader would take seconds for it.
    context.set_forkserver_preload(
        ["scaling_search.data.prepare", "scaling_search.data.sources.file_pool"]
    )
    with safe_path():
        forkserver.ensure_running()
    return context


def _can_start() -> bool:
    """Whether a reader can run this process's script, and reach the fork server by its socket.

    A script on standard input has a name and no file; the path of a socket has 107 bytes.
    """
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = os.fsencode(tempfile.gettempdir())
    return (script is None or Path(script).is_file()) and len(folder) + SOCKET_BYTES <= 107


def _end_with_parent(_reader: int) -> None:
    """DataLoader's readers watch whoever forked them, which here is the server: it outlives all."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _readers_with_room(batch_bytes: int) -> int:
    """Containers often have 64 MiB of shared memory, and a reader that finds none left dies."""
    if not batch_bytes or not SHARED_MEMORY.is_dir():
        return MOST_READERS
    batches = shutil.disk_usage(SHARED_MEMORY).free // batch_bytes
    return max(0, batches - 1) // BATCHES_AHEAD  # one is with the training
