"""The way of a job on a GPU, and the same way on the CPU wherever that says something too.

What is looked at is what `benchmarks/gpu_check.py` looks at, at a size of seconds.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from scaling_search.cost.arithmetic import arithmetic
from scaling_search.data.prefetch import read_ahead
from scaling_search.data.splits import StreamedSplit
from scaling_search.jobs.executor import InlineExecutor, jobs_in_order
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Finished
from scaling_search.jobs.workers import Workers
from scaling_search.nets.compilation import compiled, forget_compiled, no_fallback
from scaling_search.training.recipe import Recipe
from tests.jobs.small import ended, job

FOLDER = Path(__file__).parent.parent / "benchmarks"
NAMES = ("card", "latency", "memory", "resumption", "sizes", "stand_in", "trainings")
on_gpu = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
both = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda:0", marks=on_gpu)])
gpu_alone = pytest.mark.parametrize("device", [pytest.param("cuda:0", marks=on_gpu)])


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(FOLDER)
    return SimpleNamespace(**{name: importlib.import_module(f"gpu.{name}") for name in NAMES})


@pytest.fixture
def card(gpu: Any, device: str) -> Any:
    """The device as the parts of the check see it, at a rehearsal's sizes."""
    if device == "cpu":
        return gpu.stand_in.StandIn()
    return gpu.card.Gpu(sizes=gpu.sizes.REHEARSAL)


@gpu_alone
def test_networks_are_timed_by_a_child(gpu: Any, card: Any, tmp_path: Path) -> None:
    regimes = {2: (("float32", "eager"), ("tf32", "eager"), ("bfloat16", "graph"))}
    asked = replace(card, sizes=replace(card.sizes, regimes=regimes, timed_seconds=0.3))
    checks = list(gpu.latency.latency_part(asked, tmp_path, 2))
    assert [check.seen for check in checks] == ["1"] * 3
    assert (tmp_path / "latency-batch-2.jsonl").read_text().count('"peak_bytes": null') == 0


def losses(gpu: Any, card: Any, **changes: Any) -> list[float]:
    """The losses of a short training without dropout, whose chance is the CPU's alone."""
    work = replace(card.sizes.resumed, batch=16)
    recipe = Recipe(batch_size=16, augment="shift-flip", dropout=0.0, learning_rate=0.01, **changes)
    with arithmetic(recipe.number_format, card.device):
        history = gpu.trainings.trainer(work, recipe, card, steps=6, epochs=2).run()
    return [loss for each in history for loss in (each.train_loss, each.validation.loss)]


@both
@pytest.mark.parametrize(
    ("precision", "tolerance"),
    [("float32", 1e-3), ("tf32", 2e-2), ("bfloat16", 5e-2), ("float16", 2e-2)],
)
def test_a_training_has_the_losses_of_float32_on_the_cpu(
    gpu: Any, card: Any, precision: str, tolerance: float
) -> None:
    expected = losses(gpu, gpu.stand_in.StandIn())
    assert losses(gpu, card, precision=precision) == pytest.approx(expected, rel=tolerance)


@gpu_alone
def test_a_deterministic_training_is_the_same_again_and_resumed(gpu: Any, card: Any) -> None:
    found = gpu.resumption.differences(card, deterministic=True)
    assert found == {"again": 0, "resumed": 0}


@both
@pytest.mark.parametrize(
    "changes",
    [{}, {"optimizer": "adamw", "clip_norm": 1.0}, {"optimizer": "rmsprop"}, {"ema_decay": 0.9}],
    ids=["sgd", "adamw, clipped", "rmsprop", "averaged"],
)
def test_a_training_by_whole_graphs_has_the_losses_of_plain_steps(
    gpu: Any, card: Any, changes: dict[str, Any]
) -> None:
    plain = losses(gpu, card, **changes)
    assert losses(gpu, card, compile="graph", **changes) == pytest.approx(plain, rel=1e-2)


@gpu_alone
def test_dropout_in_a_graph_draws_what_plain_steps_draw(gpu: Any, card: Any) -> None:
    work, found = replace(card.sizes.resumed, batch=16), []
    for how in ("off", "graph"):
        recipe = Recipe(batch_size=16, dropout=0.5, drop_path=0.2, learning_rate=0.01)
        asked = replace(recipe, compile=how)
        history = gpu.trainings.trainer(work, asked, card, steps=8).run()
        found.append([each.train_loss for each in history])
    assert found[1] == pytest.approx(found[0], rel=1e-2)


@both
def test_the_seconds_of_a_training_are_those_of_a_clock(gpu: Any, card: Any) -> None:
    longer = replace(card.sizes, clocked_steps=20, clocked=replace(card.sizes.clocked, batch=32))
    share = gpu.resumption.said_over_wall(replace(card, sizes=longer), "off")
    assert 0.5 < share <= 1.01  # scoring is the wall's alone


@gpu_alone
def test_a_lack_of_memory_is_a_result_and_the_next_job_runs(gpu: Any, card: Any) -> None:
    assert [check.name for check in gpu.memory.jobs(card) if not check.holds] == []


@gpu_alone
def test_two_workers_train_on_one_device(device: str, tmp_path: Path) -> None:
    jobs = [job(seed=seed, epochs=2) for seed in range(4)]
    place = Place(device, str(tmp_path / "checkpoints"))
    with Workers(2, place, tmp_path / "logs") as workers:
        shared = {
            each.job.seed: each.result for each in ended(list(workers.run(jobs_in_order(jobs))))
        }
    alone = {
        each.job.seed: each.result
        for each in ended(list(InlineExecutor().run(jobs_in_order(jobs))))
    }
    assert shared.keys() == alone.keys()
    for seed, expected in alone.items():
        found = shared[seed]
        assert isinstance(found, Finished)
        assert isinstance(expected, Finished)
        first, there = found.history[0].train_loss, expected.history[0].train_loss
        assert first == pytest.approx(there, rel=1e-2)


def read(at: torch.Tensor) -> torch.Tensor:
    """Images that tell which they are; a function of a module, for readers take it pickled."""
    return at.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).contiguous()


@gpu_alone
@pytest.mark.parametrize("readers", [0, 2])
def test_a_streamed_set_arrives_in_order_through_pinned_memory(device: str, readers: int) -> None:
    there = torch.device(device)
    middle = torch.full((3,), 0.5, device=there)
    labels = torch.arange(40) % 7
    split = StreamedSplit(read, labels, middle, middle, there, 48, readers)
    order = torch.randperm(40)
    batches = list(split.batches(order, 8))
    assert {images.device for images, _ in batches} == {there}
    assert torch.equal(torch.cat([images[:, 0, 0, 0] for images, _ in batches]).cpu(), order)
    assert torch.equal(torch.cat([found for _, found in batches]).cpu(), labels[order])
    if readers:
        chosen = list(torch.split(order, 8))
        pinned = list(read_ahead(read, chosen, readers, image_bytes=48, pin=True))
        assert all(images.is_pinned() for images in pinned)


@pytest.fixture
def nothing_compiled() -> Iterator[None]:
    forget_compiled()
    yield
    forget_compiled()


@gpu_alone
@pytest.mark.usefixtures("nothing_compiled")
def test_more_than_eight_networks_of_one_code_are_all_compiled(device: str) -> None:
    images = torch.randn(2, 3, 8, 8, device=device)
    for channels in range(1, 11):
        plain = nn.Sequential(nn.Conv2d(3, channels, 3), nn.ReLU()).to(device).eval()
        with torch.inference_mode(), no_fallback():
            made = compiled(plain, "default", full_graph=True)
            for _ in range(2):
                found = made(images)
        assert torch.allclose(found, plain(images), atol=1e-2)


def test_the_check_runs_every_test_that_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    files = importlib.import_module("gpu.marked_tests").marked()
    assert os.path.relpath(__file__, FOLDER.parent) in files
    assert "tests/latency/test_cuda.py" in files
