"""Does a captured graph work on its own network, whatever is loaded later?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import torch

from gpu.card import Card
from gpu.check import Check, at_least, equal
from scaling_search.arch import zoo
from scaling_search.cost.step import Inference, Training
from scaling_search.cost.task import Task
from scaling_search.latency.cuda import CapturedStep, CudaProgram
from scaling_search.latency.job import Regime

BATCH, JUNK = 4, 1 << 18


def graphs_part(card: Card, _out: Path) -> Iterator[Check]:
    """For inference and for training: what is held, and whether junk and weights stay apart."""
    tasks: tuple[Task, ...] = ("inference", "training")
    for task in tasks:
        yield from _graph(card, task)


def _graph(card: Card, task: Task) -> Iterator[Check]:
    network, device = zoo.get(card.sizes.graphed), card.timed()
    before = card.allocated_bytes()
    program = device.load(network, Regime(task, BATCH, mode="graph"), BATCH)
    held = card.allocated_bytes() - before
    weights = list(captured(program).model.parameters())
    least = sum(each.nbytes for each in weights) * (1 if task == "inference" else 2)
    yield at_least("graphs", f"{task}: bytes held", held, least)
    kept = [each.detach().clone() for each in weights]
    other = device.load(network, Regime(task, BATCH, mode="graph"), BATCH)
    gc.collect()
    blocks = range(card.sizes.junk_blocks)
    junk = [torch.full((JUNK,), torch.nan, device=card.device) for _ in blocks]
    for each in (program, other):
        each.run(3)
    card.synchronize()
    clean = all(bool(piece.isnan().all()) for piece in junk)
    yield equal("graphs", f"{task}: what is loaded later is left alone", clean, True)
    same = all(torch.equal(a, b) for a, b in zip(weights, kept, strict=True))
    finite = all(bool(each.isfinite().all()) for each in weights)
    intact = (same if task == "inference" else not same) and finite
    how = "stay" if task == "inference" else "move, and stay finite"
    yield equal("graphs", f"{task}: its weights {how}", intact, True)


def captured(program: CudaProgram) -> Inference | Training:
    """The step whose graph a program replays; raises TypeError where it is no graph."""
    step = program.step.step if isinstance(program.step, CapturedStep) else program.step
    if not isinstance(step, Inference | Training):
        raise TypeError(f"a captured step must keep what it works on, got {step!r}")
    return step
