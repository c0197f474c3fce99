"""How a process leaves those that it trains with: it waits for them only if they all leave."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.distributed as dist
from torch._C._distributed_c10d import HashStore

from scaling_search.training import distributed
from scaling_search.training.distributed import Group, joined

CPU = torch.device("cpu")


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How groups were left, in order; they are left for real."""
    ways: list[str] = []
    for module, name in ((distributed, "_abort_process_group"), (dist, "destroy_process_group")):
        original = getattr(module, name)

        def noted(name: str = name, original: Callable[[], object] = original) -> None:
            ways.append(name)
            original()

        monkeypatch.setattr(module, name, noted)
    return ways


def test_all_leave_together_when_their_work_is_done(left: list[str]) -> None:
    with joined(HashStore(), Group(0, 1), CPU):
        assert dist.is_initialized()
    assert left == ["destroy_process_group"]
    assert not dist.is_initialized()


def test_after_an_error_nobody_is_waited_for(left: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), joined(HashStore(), Group(0, 1), CPU):
        raise ZeroDivisionError
    assert left[0] == "_abort_process_group"
    assert not dist.is_initialized()


def test_who_leaves_alone_waits_for_nobody(left: list[str]) -> None:
    with joined(HashStore(), Group(0, 1), CPU) as bonds:
        bonds.broken = True
    assert left[0] == "_abort_process_group"
    assert not dist.is_initialized()


def test_a_backend_that_cannot_be_aborted_is_destroyed(
    left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("backend gloo does not support abort")

    monkeypatch.setattr(distributed, "_abort_process_group", refuse)
    with joined(HashStore(), Group(0, 1), CPU) as bonds:
        bonds.broken = True
    assert left == ["destroy_process_group"]
    assert not dist.is_initialized()


def test_after_all_of_it_another_group_can_be_joined() -> None:
    for broken in (True, False, True):
        with joined(HashStore(), Group(0, 1), CPU) as bonds:
            bonds.broken = broken
            value = torch.ones(2)
            dist.all_reduce(value)
            assert value.tolist() == [1, 1]
