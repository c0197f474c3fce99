"""The driver calls: what they keep, with torch's own replaced, and on a real GPU."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.cost.step import Inference, Training
from scaling_search.cost.task import Task
from scaling_search.latency.cuda import CapturedStep, CudaProgram
from scaling_search.latency.cuda_driver import CAPTURE_WARM_UP, TorchDriver
from scaling_search.latency.job import Regime
from scaling_search.latency.prepare import loaded
from scaling_search.latency.protocol import SystemClock

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


class FakeStream:
    def wait_stream(self, other: FakeStream) -> None:
        pass


class FakeGraph:
    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1


@contextmanager
def nothing(*_: object) -> Iterator[None]:
    yield


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls of a capture, on a machine that has no GPU."""
    for name in ("current_stream", "Stream"):
        monkeypatch.setattr(torch.cuda, name, FakeStream)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, nothing)


@pytest.mark.parametrize("task", ["inference", "training"])
def test_a_captured_step_keeps_the_network_and_the_images_that_it_replays(
    without_gpu: None, task: Task
) -> None:
    step = loaded(zoo.get("micro"), Regime(task, 2), 2, "cpu")
    assert isinstance(step, Inference | Training)
    kept: list[Callable[[], torch.Tensor | None]] = [
        weakref.ref(step.images),
        *map(weakref.ref, step.model.parameters()),
    ]
    if task == "training":
        assert isinstance(step, Training)
        step()  # momentum is there from now on
        momenta = [slots["momentum_buffer"] for slots in step.optimizer.state.values()]
        kept += map(weakref.ref, momenta)
        del momenta
    captured = TorchDriver(torch.device("cpu")).capture(step)
    del step
    gc.collect()
    assert all(ref() is not None for ref in kept)
    captured()
    assert isinstance(captured.graph, FakeGraph)
    assert captured.graph.replays == 1
    del captured
    gc.collect()
    assert all(ref() is None for ref in kept)


def test_a_step_is_warmed_up_before_it_is_captured(without_gpu: None) -> None:
    steps: list[int] = []
    TorchDriver(torch.device("cpu")).capture(lambda: steps.append(1))
    assert len(steps) == CAPTURE_WARM_UP + 1


def captured_parameters(program: CudaProgram) -> list[nn.Parameter]:
    assert isinstance(program.step, CapturedStep)
    step = program.step.step
    assert isinstance(step, Inference | Training)
    return list(step.model.parameters())


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("task", ["inference", "training"])
def test_a_graph_on_a_real_gpu_reads_its_own_network_whatever_is_loaded_later(task: Task) -> None:
    from scaling_search.latency.cuda_driver import cuda_device

    card = cuda_device("cuda:0", SystemClock())
    regime = Regime(task, 4, mode="graph")
    first = card.load(zoo.get("efficientnet-b0"), regime, 4)
    weights = [p.detach().clone() for p in captured_parameters(first)]
    second = card.load(zoo.get("micro"), regime, 4)
    gc.collect()
    junk = [torch.full((1 << 18,), torch.nan, device="cuda") for _ in range(200)]
    first.run(3)
    second.run(3)
    torch.cuda.synchronize()
    assert all(piece.isnan().all() for piece in junk)
    now = captured_parameters(first)
    if task == "inference":
        assert all(torch.equal(a, b) for a, b in zip(now, weights, strict=True))
    assert all(p.isfinite().all() for p in now)
