"""The current GPU of a process: set once, before anything is put there."""

from __future__ import annotations

import pytest
import torch
from torch._C._distributed_c10d import HashStore

from scaling_search.cost.current_device import make_current
from scaling_search.jobs import execute as module
from scaling_search.jobs.execute import execute
from scaling_search.jobs.place import Place
from scaling_search.latency import cuda_driver
from scaling_search.latency.protocol import SystemClock
from scaling_search.training.distributed import Group, joined
from tests.jobs.small import job


class Reached(Exception):  # noqa: N818 (no error: what comes after is not looked at)
    """What comes after the device was set."""


def reached(*_: object, **__: object) -> None:
    raise Reached


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The GPUs that were made the current one, in order."""
    made: list[int | None] = []
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda device: made.append(torch.device(device).index)
    )
    return made


@pytest.mark.parametrize(("device", "expected"), [("cuda:1", [1]), ("cuda", []), ("cpu", [])])
def test_only_a_numbered_gpu_is_made_current(
    device: str, expected: list[int], current: list[int | None]
) -> None:
    make_current(torch.device(device))
    assert current == expected


def test_a_job_makes_its_gpu_current_before_it_loads_images(
    current: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "load_split", reached)
    with pytest.raises(Reached):
        execute(job(), Place("cuda:2"))
    assert current == [2]


def test_a_group_makes_its_gpu_current_before_it_joins(
    current: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.distributed, "init_process_group", reached)
    store = HashStore()
    with pytest.raises(Reached), joined(store, Group(1, 2), torch.device("cuda:3")):
        raise AssertionError
    assert current == [3]


def test_the_profiler_makes_its_gpu_current_before_it_asks_it(
    current: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setattr(torch.cuda, "get_device_properties", reached)
    with pytest.raises(Reached):
        cuda_driver.cuda_device("cuda:1", SystemClock())
    assert current == [1]
