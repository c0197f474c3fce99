"""A network whose training waits at a gate, until what a test does beside it is done.

A training may run ahead of whoever listens to it by as much as the machine likes. One that is to be
struck in its middle waits there, in whatever process it has come to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from scaling_search.arch.scaling import Multipliers
from tests.own_network import make

NAME = f"{__name__}:gated"


class Gated(nn.Module):
    """The own network; a training step waits for as long as the gate is shut before it."""

    def __init__(self) -> None:
        super().__init__()
        self.body = make(Multipliers())
        self.steps = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, once the gate is open."""
        if self.training and images.device.type != "meta":
            while _is_shut_after(self.steps):
                time.sleep(0.01)
            self.steps += 1
        logits: torch.Tensor = self.body(images)
        return logits


def gated(multipliers: Multipliers) -> nn.Module:
    """A network that waits at the gate."""
    return Gated()


@contextmanager
def shut_after(steps: int) -> Iterator[Path]:
    """Within this block trainings wait after so many steps of a process, until the file is gone."""
    gate = _gate()
    gate.write_text(str(steps))
    try:
        yield gate
    finally:
        gate.unlink(missing_ok=True)


def _gate() -> Path:
    """Where every process of this session's tests looks for the gate."""
    return Path(os.environ["SCALING_SEARCH_CACHE"]) / "gate"


def _is_shut_after(steps: int) -> bool:
    try:
        return steps >= int(_gate().read_text())
    except FileNotFoundError:
        return False
