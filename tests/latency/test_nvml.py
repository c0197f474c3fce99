"""NVML's answers in our words, from a module that is made up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from scaling_search.latency.job import Reading
from scaling_search.latency.nvml import (
    NvmlSampler,
    driver_version,
    memory_share,
    sampler,
    slowed_by,
)


class NvmlError(Exception):
    """Stands for pynvml.NVMLError."""


@dataclass
class Process:
    pid: int


class FakeNvml:
    NVMLError = NvmlError
    NVML_CLOCK_SM = 1
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, pids: Sequence[int] = (), reasons: int = 0, dumb: bool = False) -> None:
        self.pids, self.reasons, self.dumb = pids, reasons, dumb
        self.asked = ""

    def nvmlInit(self) -> None:  # noqa: N802
        if self.dumb:
            raise NvmlError

    def nvmlSystemGetDriverVersion(self) -> bytes:  # noqa: N802
        return b"575.51"

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        self.asked = uuid
        return "card"

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(used=20 << 30, total=80 << 30)

    def nvmlDeviceGetClockInfo(self, handle: str, kind: int) -> int:  # noqa: N802
        return 1410

    def nvmlDeviceGetTemperature(self, handle: str, kind: int) -> int:  # noqa: N802
        if self.dumb:
            raise NvmlError
        return 61

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle: str) -> int:  # noqa: N802
        return self.reasons

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Process]:  # noqa: N802
        return [Process(pid) for pid in self.pids]


def test_a_reading_holds_clock_temperature_and_company() -> None:
    reading = NvmlSampler(FakeNvml((7, 8, 9)), "card", 7)()
    assert reading == Reading(foreign=2.0, clock_mhz=1410.0, temperature_c=61.0)


@pytest.mark.parametrize(("pids", "foreign"), [((), 0.0), ((3001,), 0.0), ((3001, 3002), 1.0)])
def test_in_a_container_one_of_the_strangers_is_us(pids: tuple[int, ...], foreign: float) -> None:
    assert NvmlSampler(FakeNvml(pids), "card", 7)().foreign == foreign


@pytest.mark.parametrize(("pids", "foreign"), [((7, 5), 0.0), ((7, 5, 9), 1.0), ((7,), 0.0)])
def test_who_waits_for_us_is_no_load(pids: tuple[int, ...], foreign: float) -> None:
    assert NvmlSampler(FakeNvml(pids), "card", 7, frozenset({5}))().foreign == foreign


def test_only_what_slows_a_card_down_is_a_reason() -> None:
    assert slowed_by(0x01 | 0x02) == ()
    assert slowed_by(0x04 | 0x40) == ("power cap", "heat (hardware)")


def test_what_a_card_does_not_answer_stays_open() -> None:
    assert NvmlSampler(FakeNvml(dumb=True), "card", 7)().temperature_c is None


def test_the_card_is_found_by_its_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert isinstance(sampler("abc", 1), NvmlSampler)
    assert nvml.asked == "GPU-abc"


@pytest.mark.parametrize("module", [None, FakeNvml(dumb=True)])
def test_without_nvml_a_reading_is_empty(
    monkeypatch: pytest.MonkeyPatch, module: FakeNvml | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert sampler("abc", 1)() == Reading()
    assert driver_version() == ""


def test_the_driver_says_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    assert driver_version() == "575.51"


def test_the_used_part_of_a_cards_memory_is_found_by_its_uuid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nvml = FakeNvml()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert memory_share("GPU-abc") == 0.25
    assert nvml.asked == "GPU-abc"


@pytest.mark.parametrize("module", [None, FakeNvml(dumb=True)])
def test_without_nvml_nothing_is_said_of_memory(
    monkeypatch: pytest.MonkeyPatch, module: FakeNvml | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert memory_share("GPU-abc") is None
