"""When processes that train together stop: all of them at the same step, asked every few steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from scaling_search.training.distributed import Group

EXCHANGE_SECONDS = 1.0  # about so long a request may wait for its exchange
MOST_STEPS = 32  # between two exchanges, where steps are short


@dataclass
class StopRequest:
    """Whether a training must stop; a process alone is asked at every step.

    An exchange makes every process wait for the slowest. So there is one about every second, by the
    mean time of the steps since the last one, after at most 32 steps, and at the end of each epoch.
    """

    group: Group
    stop_asked: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _next: int = 0

    def __post_init__(self) -> None:
        self._last, self._since = 0, self.clock()

    def at(self, step: int, *, ends_epoch: bool) -> bool:
        """Whether to stop after this step (the number of steps done), the same in all processes."""
        if self.group.world == 1:
            return self.stop_asked()
        if step < self._next and not ends_epoch:
            return False
        now = self.clock()
        values = torch.tensor([float(self.stop_asked()), now - self._since], dtype=torch.float64)
        stops, seconds = self.group.sum(values).tolist()
        mean = seconds / self.group.world / max(1, step - self._last)
        self._last, self._since, self._next = step, now, step + steps_between(mean)
        return bool(stops)


def steps_between(step_seconds: float) -> int:
    """How many steps go by between two exchanges, at so many seconds a step.

    Examples:
        >>> from scaling_search.training.stopping import steps_between
        >>> steps_between(0.001), steps_between(0.1), steps_between(3.0)
        (32, 10, 1)
    """
    if step_seconds * MOST_STEPS <= EXCHANGE_SECONDS:
        return MOST_STEPS
    return max(1, int(EXCHANGE_SECONDS / step_seconds))
