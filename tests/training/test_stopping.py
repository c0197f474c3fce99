"""When processes that train together stop: at one step, asked often enough and no oftener."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch

from scaling_search.training.distributed import ALONE, Group
from scaling_search.training.stopping import MOST_STEPS, StopRequest, steps_between


@dataclass(frozen=True)
class Pair(Group):
    """Two processes, the other of which takes the same time and asks for nothing."""

    world: int = 2
    sums: list[int] = field(default_factory=list)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        self.sums.append(1)
        return values + torch.tensor([0.0, values[1].item()], dtype=values.dtype)


@dataclass
class Steps:
    """A training whose steps take so many seconds, asked to stop at one of them."""

    seconds: float
    asked_at: int
    now: float = 0.0
    step: int = 0

    def stopped_at(self, group: Group, epoch: int) -> int:
        request = StopRequest(group, lambda: self.step >= self.asked_at, lambda: self.now)
        while True:
            self.step += 1
            self.now += self.seconds
            if request.at(self.step, ends_epoch=self.step % epoch == 0):
                return self.step


def test_a_process_alone_stops_at_the_very_step() -> None:
    assert Steps(0.001, asked_at=17).stopped_at(ALONE, epoch=1000) == 17


@pytest.mark.parametrize(
    ("seconds", "between"), [(0.0, MOST_STEPS), (0.01, MOST_STEPS), (0.1, 10), (0.3, 3), (5.0, 1)]
)
def test_an_exchange_comes_about_every_second_and_after_32_steps_at_most(
    seconds: float, between: int
) -> None:
    assert steps_between(seconds) == between


@pytest.mark.parametrize(
    ("seconds", "stopped", "exchanges"), [(2**-10, 129, 5), (2**-3, 105, 14), (2.0, 100, 100)]
)
def test_processes_stop_at_their_next_exchange(
    seconds: float, stopped: int, exchanges: int
) -> None:
    group = Pair()
    assert Steps(seconds, asked_at=100).stopped_at(group, epoch=1000) == stopped
    assert len(group.sums) == exchanges


def test_the_end_of_an_epoch_is_an_exchange() -> None:
    assert Steps(0.001, asked_at=7).stopped_at(Pair(), epoch=10) == 10


def test_a_slow_start_does_not_make_later_exchanges_frequent() -> None:
    group, steps = Pair(), Steps(2**-10, asked_at=66)
    steps.now = -30.0
    request = StopRequest(group, lambda: False, lambda: steps.now)
    steps.now = 0.0
    done = [step for step in range(1, 70) if _exchanged(request, group, steps, step)]
    assert done == [1, 2, 34, 66]


def _exchanged(request: StopRequest, group: Pair, steps: Steps, step: int) -> bool:
    before = len(group.sums)
    steps.now += steps.seconds
    request.at(step, ends_epoch=False)
    return len(group.sums) > before
