"""The CUDA path with a driver that is made up, and the few driver calls on a real GPU."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from math import nan
from typing import NoReturn

import pytest
import torch

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.cost.step import Step
from scaling_search.latency.cuda import CapturedStep, CudaDevice, CudaProgram
from scaling_search.latency.job import Reading, Regime
from scaling_search.latency.protocol import DeviceFullError, SystemClock
from tests.latency.fakes import SMALL

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@dataclass
class FakeGpu:
    """Work enqueued takes 1 ms of the host and 5 ms of the stream; it is its own clock."""

    host: float = 0.0
    stream: float = 0.0
    waits: int = 0
    captured: int = 0
    released: int = 0
    allocated: int = 100
    peak: int = 0
    steps: list[str] = field(default_factory=list)

    def event(self) -> FakeEvent:
        return FakeEvent(self)

    def synchronize(self) -> None:
        self.waits += 1
        self.host = max(self.host, self.stream)

    def capture(self, step: Step) -> CapturedStep:
        self.captured += 1
        return CapturedStep(step, FakeGraph(self.steps))

    def allocated_bytes(self) -> int:
        return self.allocated

    def peak_bytes(self) -> int:
        return self.peak

    def reset_peak(self) -> None:
        self.peak = 0

    def release(self) -> None:
        self.released += 1

    def wall(self) -> float:
        return self.host / 1e3

    thread = wall

    def sleep(self, seconds: float) -> None:
        raise AssertionError

    def step(self) -> None:
        self.steps.append("run")
        self.host += 1.0
        self.stream = max(self.stream, self.host) + 5.0
        self.peak = max(self.peak, self.allocated + 700)


@dataclass
class FakeEvent:
    gpu: FakeGpu
    at: float = nan

    def record(self) -> None:
        self.at = self.gpu.stream

    def elapsed_time(self, end: FakeEvent, /) -> float:
        assert self.gpu.waits, "read before the work was done"
        return end.at - self.at


@dataclass
class FakeGraph:
    steps: list[str]

    def replay(self) -> None:
        self.steps.append("replayed")


def device(
    gpu: FakeGpu, loader: Callable[[Architecture, Regime, int, str], Step] | None = None
) -> CudaDevice:
    return CudaDevice(
        "cuda:0", gpu, Reading, gpu, loader or (lambda network, regime, batch, name: gpu.step)
    )


def test_a_turn_is_timed_by_events_with_one_wait_at_its_end() -> None:
    gpu = FakeGpu()
    turn = CudaProgram(gpu.step, gpu, gpu, 0).run(4)
    # The first step starts when its 1 ms of enqueueing is over, the others wait in the stream.
    assert turn.times_ms == (6.0, 5.0, 5.0, 5.0)
    assert turn.host_ms == pytest.approx((1.0, 1.0, 1.0, 1.0))
    assert turn.wall_ms == pytest.approx(21.0)
    assert gpu.waits == 1


def test_the_peak_is_that_of_a_later_step_above_what_was_there() -> None:
    program = device(FakeGpu()).load(SMALL, Regime(), 1)
    assert program.peak_bytes() == 700


def test_a_graph_is_captured_after_warm_up_and_replayed() -> None:
    gpu = FakeGpu()
    program = device(gpu).load(SMALL, Regime(mode="graph"), 1)
    before = len(gpu.steps)
    assert before > 0
    program.run(2)
    assert gpu.captured == 1
    assert gpu.steps[before:] == ["replayed", "replayed"]


def test_out_of_memory_gives_back_what_was_cached() -> None:
    gpu = FakeGpu()

    def full(*_: object) -> NoReturn:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    with pytest.raises(DeviceFullError, match="2 GiB"):
        device(gpu, full).load(SMALL, Regime(batch=64), 64)
    assert gpu.released == 1


def test_what_found_too_little_memory_is_gone_before_memory_is_given_back() -> None:
    class HoldingStep:
        def __init__(self) -> None:
            self.held = torch.zeros(1)

        def __call__(self) -> NoReturn:
            activations = torch.zeros(1)
            made.append(weakref.ref(activations))
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    def loader(*_: object) -> Step:
        step = HoldingStep()
        made.append(weakref.ref(step.held))
        return step

    class Gpu(FakeGpu):
        def release(self) -> None:
            super().release()
            alive.extend(ref() is not None for ref in made)

    made: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []
    gpu = Gpu()
    with pytest.raises(DeviceFullError):
        device(gpu, loader).load(SMALL, Regime("training", 64), 64)
    assert gpu.released == 1
    assert alive == [False, False]
    assert device(gpu).load(SMALL, Regime(), 1).run(2).times_ms


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("illegal memory access")

    gpu = FakeGpu()
    with pytest.raises(RuntimeError, match="illegal"):
        device(gpu, broken).load(SMALL, Regime(), 1)
    assert gpu.released == 0


def test_a_reading_is_the_samplers() -> None:
    gpu = FakeGpu()
    hot = CudaDevice("cuda:0", gpu, lambda: Reading(temperature_c=80.0), gpu)
    assert hot.read().temperature_c == 80.0


GPU_REGIMES = [
    Regime(batch=2),
    Regime(batch=2, precision="tf32"),
    Regime(batch=2, precision="bfloat16"),
    Regime(batch=2, precision="float16"),
    Regime(batch=2, mode="graph"),
    Regime("training", 2),
    Regime("training", 2, "bfloat16"),
    Regime("training", 2, "float16"),
    Regime("training", 2, "bfloat16", mode="graph"),
]


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("regime", GPU_REGIMES, ids=lambda regime: regime.words)
def test_every_regime_runs_on_a_real_gpu(regime: Regime) -> None:
    from scaling_search.latency.cuda_driver import cuda_device

    program = cuda_device("cuda:0", SystemClock()).load(zoo.get("efficientnet-b0"), regime, 2)
    turn = program.run(5)
    assert len(turn.times_ms) == len(turn.host_ms) == 5
    assert min(turn.times_ms) > 0
    peak = program.peak_bytes()
    assert peak is not None
    assert peak > 0


@pytest.mark.gpu
@on_gpu
def test_a_real_gpu_says_how_it_is_and_what_it_is() -> None:
    from scaling_search.latency.cuda_driver import cuda_device

    card = cuda_device("cuda:0", SystemClock())
    assert isinstance(card.read(), Reading)
    assert card.conditions()["machine"] == torch.cuda.get_device_name(0)


@pytest.mark.gpu
@on_gpu
def test_a_batch_too_large_for_a_real_gpu_is_told_and_leaves_room() -> None:
    from scaling_search.latency.cuda_driver import cuda_device

    card = cuda_device("cuda:0", SystemClock())
    with pytest.raises(DeviceFullError):
        card.load(zoo.get("efficientnet-b7"), Regime("training", 8192), 8192)
    assert len(card.load(zoo.get("efficientnet-b0"), Regime(), 1).run(2).times_ms) == 2
