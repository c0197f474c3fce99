"""What a fresh process finds when it starts, and what is asked of it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from scaling_search.latency import process_runner
from scaling_search.latency.conditions import DEVICE_ALLOCATOR, machine_name
from scaling_search.latency.process_runner import interpreter_settings, machine_of, memory_of

EXPANDABLE = "expandable_segments:True"


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is set of torch's allocator."""
    for name in DEVICE_ALLOCATOR:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("unset")
def test_segments_of_a_gpus_memory_can_grow() -> None:
    assert interpreter_settings(1)["PYTORCH_ALLOC_CONF"] == EXPANDABLE


@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("name", DEVICE_ALLOCATOR)
def test_what_the_user_has_set_of_torchs_allocator_stays(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "max_split_size_mb:64")
    assert not set(DEVICE_ALLOCATOR) & interpreter_settings(1).keys()


def test_what_the_user_has_set_of_glibc_stays_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    found = interpreter_settings(3)
    assert found["GLIBC_TUNABLES"] == "glibc.malloc.check=1:glibc.malloc.hugetlb=1"
    assert found["OMP_NUM_THREADS"] == "3"


def test_a_gpu_is_asked_once_and_by_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    orders: list[dict[str, Any]] = []

    def child(order: dict[str, Any], *_: object) -> subprocess.CompletedProcess[str]:
        orders.append(order)
        said = json.dumps({"machine": "a card", "memory": str(80 << 30)})
        return subprocess.CompletedProcess([], 0, said, "")

    process_runner._facts_of.cache_clear()
    monkeypatch.setattr(process_runner, "_child", child)
    monkeypatch.setattr(process_runner, "machine_name", None)  # it would ask in this process
    assert machine_of("cuda:5") == "a card"
    assert memory_of("cuda:5") == 80 << 30
    assert orders == [{"facts_of": "cuda:5"}]
    process_runner._facts_of.cache_clear()


def test_a_cpu_is_asked_here() -> None:
    assert machine_of("cpu") == machine_name("cpu")
