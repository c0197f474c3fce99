"""The CPU as a device: what its clocks say, who else is on it, every regime that it has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from scaling_search.arch import zoo
from scaling_search.cost.step import Inference
from scaling_search.cost.task import Task
from scaling_search.latency.cpu import CpuDevice, CpuProgram, busy_core_seconds
from scaling_search.latency.job import Regime
from scaling_search.latency.prepare import as_full
from scaling_search.latency.protocol import DeviceFullError
from tests.latency.fakes import SMALL


class Ticking:
    """Each step takes 10 ms of wall time and 8 of the thread's."""

    def __init__(self) -> None:
        self.steps = 0

    def wall(self) -> float:
        return self.steps * 0.010

    def thread(self) -> float:
        return self.steps * 0.008

    def sleep(self, seconds: float) -> None:
        raise AssertionError

    def step(self) -> None:
        self.steps += 1


def test_wall_and_thread_time_are_taken_around_each_step() -> None:
    clock = Ticking()
    turn = CpuProgram(clock.step, clock).run(3)
    assert turn.times_ms == pytest.approx((10.0, 10.0, 10.0))
    assert turn.host_ms == pytest.approx((8.0, 8.0, 8.0))
    assert turn.wall_ms == pytest.approx(30.0)


def test_thread_time_of_several_threads_is_left_out() -> None:
    clock = Ticking()
    assert CpuProgram(clock.step, clock, threads=2).run(3).host_ms == ()


def test_a_reading_tells_how_many_cores_others_kept_busy() -> None:
    clock = Ticking()
    busy, own = iter((100.0, 117.0)), iter((50.0, 59.0))
    device = CpuDevice(1, clock, lambda: next(busy), lambda: next(own))
    assert device.read().foreign is None
    clock.steps = 1000  # ten seconds later
    reading = device.read()
    assert reading.foreign == pytest.approx(0.8)
    assert reading.cores == os.cpu_count()


def test_a_system_that_keeps_no_account_gives_no_reading(tmp_path: Path) -> None:
    assert busy_core_seconds(tmp_path / "stat") is None
    clock = Ticking()
    device = CpuDevice(1, clock, lambda: None)
    device.read()
    clock.steps = 1
    assert device.read().foreign is None


def test_the_kernels_account_is_read_in_core_seconds(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    # user nice system idle iowait irq softirq steal guest guest_nice
    stat.write_text("cpu  100 20 30 9999 888 4 5 6 100 20\ncpu0 1 2 3\n")
    ticks = os.sysconf("SC_CLK_TCK")
    assert busy_core_seconds(stat) == pytest.approx(165 / ticks)


@pytest.mark.parametrize(
    "regime",
    [
        Regime(batch=2),
        Regime(batch=2, precision="bfloat16"),
        Regime(batch=2, precision="float16"),
        Regime(batch=2, memory_format="contiguous"),
        Regime("training", 2),
        Regime("training", 2, "bfloat16"),
        Regime("training", 2, "float16"),
    ],
    ids=lambda regime: regime.words,
)
def test_every_eager_regime_runs(regime: Regime) -> None:
    turn = CpuDevice().load(zoo.get("micro"), regime, 2).run(2)
    assert len(turn.times_ms) == 2
    assert min(turn.times_ms) > 0


def test_images_are_random_and_laid_out_as_asked() -> None:
    step = CpuDevice().load(zoo.get("micro"), Regime(batch=2), 2).step
    assert isinstance(step, Inference)
    assert step.images.std() == pytest.approx(1.0, abs=0.1)
    wide = CpuDevice().load(zoo.get("efficientnet-b0-small"), Regime(batch=2), 2).step
    assert isinstance(wide, Inference)
    assert wide.images.is_contiguous(memory_format=torch.channels_last)
    assert not wide.model.training


@pytest.mark.slow
@pytest.mark.parametrize("task", ["inference", "training"])
def test_a_compiled_network_runs(task: Task) -> None:
    turn = CpuDevice().load(SMALL, Regime(task, 2, mode="compile"), 2).run(2)
    assert len(turn.times_ms) == 2


def test_lack_of_memory_is_told_from_other_errors() -> None:
    assert isinstance(as_full(torch.OutOfMemoryError("CUDA out of memory")), DeviceFullError)
    lacking = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")
    assert isinstance(as_full(lacking), DeviceFullError)
    other = RuntimeError("shapes do not fit")
    assert as_full(other) is other


def test_a_step_that_runs_out_of_memory_says_so() -> None:
    def step() -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes")

    clock = Ticking()
    with pytest.raises(DeviceFullError):
        CpuProgram(step, clock).run(1)
