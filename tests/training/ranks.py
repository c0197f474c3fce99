"""Two processes of the program that train together, forked with what torchrun would tell them.

Started by torchrun as a script, it is the program itself, but that rank 1 is killed on the way.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from scaling_search.cli.main import main
from scaling_search.training import batches as batches_of_training
from scaling_search.training.batches import training_images
from tests.faults import driving

WORLD = 2
KILLED_AT = 13  # of 18 steps; the fall began at step 11, and that is the last checkpoint

PATIENCE_SECONDS = 300.0  # a bound, never awaited

Strike = Callable[[], None]


@dataclass(frozen=True)
class Ended:
    """How the processes ended: exit statuses, standard outputs and errors, by rank."""

    statuses: list[int | None]
    printed: list[str]
    said: list[str]


def trained(
    words: list[str], folder: Path, *, alone: bool = False, on: Strike | None = None
) -> Ended:
    """The program in both processes (alone: in one) until they end; `on` happens to rank 1."""
    folder.mkdir(parents=True, exist_ok=True)
    world = 1 if alone else WORLD
    printed = [folder / f"printed-{rank}" for rank in range(world)]
    said = [folder / f"said-{rank}" for rank in range(world)]
    with _kept_port() as port:
        processes = [
            driving.started(
                words, said[rank], partial(_as_rank, rank, world, port, printed[rank], on)
            )
            for rank in range(world)
        ]
        for process in processes:
            process.join()
    statuses = [process.exitcode for process in processes]
    return Ended(statuses, [p.read_text() for p in printed], [s.read_text() for s in said])


def under_torchrun(words: list[str]) -> subprocess.CompletedProcess[str]:
    """This file started twice by torchrun, until all have ended."""
    run = ["torch.distributed.run", f"--nproc-per-node={WORLD}", "--master-addr=127.0.0.1"]
    root = Path(__file__).parents[2]
    with _kept_port() as port:
        command = [sys.executable, "-m", *run, f"--master-port={port}"]
        command += ["-m", "tests.training.ranks", *words]
        return subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )


def _as_rank(rank: int, world: int, port: int, printed: Path, on: Strike | None) -> None:
    os.dup2(os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if on is not None and rank == 1:
        on()


def at_step(number: int, strike: Strike) -> None:
    """Let this happen in this process after so many steps of the optimiser."""
    steps = [0]

    def count(*_: object) -> None:
        steps[0] += 1
        if steps[0] == number:
            strike()

    register_optimizer_step_post_hook(count)


def ask_for_room() -> None:
    """SIGUSR2 in mid-epoch."""
    at_step(5, partial(os.kill, os.getpid(), signal.SIGUSR2))


def fail_twice() -> None:
    """No memory, twice over, and later a batch that is not a number; in this process alone."""
    batches = [0]

    def struck(*given: Any) -> torch.Tensor:
        batches[0] += 1
        if batches[0] in (3, 5):
            raise torch.OutOfMemoryError("tried to allocate 2 GiB")
        images = training_images(*given)
        return images * torch.nan if batches[0] == 7 else images

    batches_of_training.training_images = struck  # type: ignore[assignment]


def lack_memory_once() -> None:
    """No memory for the third batch, in this process alone."""
    batches = [0]

    def struck(*given: Any) -> torch.Tensor:
        batches[0] += 1
        if batches[0] == 3:
            raise torch.OutOfMemoryError("tried to allocate 2 GiB")
        return training_images(*given)

    batches_of_training.training_images = struck  # type: ignore[assignment]


@contextmanager
def _kept_port() -> Iterator[int]:
    """A port that nobody else is given within the block, though a server may listen there.

    Both ask for addresses to be used again, as torch's store does: then the system lets one of them
    listen while the other holds the port and does not.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


if __name__ == "__main__":
    if os.environ["RANK"] == "1":
        at_step(KILLED_AT, partial(os.kill, os.getpid(), signal.SIGKILL))
    sys.argv[0] = "scaling-search"
    main()
