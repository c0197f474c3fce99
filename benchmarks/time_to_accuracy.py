"""Claim: 90 % on Fashion-MNIST's test images for a fifth of the tutorial loop's CPU-seconds.

Both train `micro` at 28 px on the same 54 000 images, on one thread, loading in their own
process; what is counted is that process's CPU time in training, scoring not included. The peer is
the common tutorial loop (PIL, DataLoader, Adam at 1e-3, batch 64, images as they are): it is scored
on the test images twice an epoch and has arrived at the first score of 90 %. Ours is one
recipe of a fixed length, chosen on validation images and never on these; it has arrived when it
ends, if its last weights then reach 90 %, and otherwise never. A peer that has not arrived after
six times our seconds is stopped there, and the ratio is a lower bound: the claim says so.
`python benchmarks/time_to_accuracy.py [--json] [--seeds N]`; about eight minutes on two cores, two
seeds at a time. Needs Fashion-MNIST: `apt install dataset-fashion-mnist`, or download it once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

import torch
from claim import Claim, parser_of, print_claims
from peers.ours import few
from peers.task import Task
from peers.tutorial import training, tutorial_batches
from torch import nn

from scaling_search.arch import zoo
from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest, SplitName
from scaling_search.data.splits import ResidentSplit
from scaling_search.latency.process_runner import interpreter_settings
from scaling_search.training.evaluate import score
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe

TARGET, GOAL, PATIENCE = 0.9, 5.0, 6.0
SEEDS, AT_A_TIME, SCORES_AN_EPOCH = 4, 2, 2
DATA = DataRequest(name="fashion-mnist")
NETWORK = zoo.get("micro").fitted(resolution_px=28, num_classes=10, in_channels=1)
PEER_BATCH = 64
EPOCHS = 4
RECIPE = Recipe(
    learning_rate=0.4,
    batch_size=128,
    schedule="one-cycle",
    rise_fraction=0.2,
    augment="none",
)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Arrival:
    """CPU-seconds of training until `top1` of the test images were right, or were not yet."""

    cpu_seconds: float
    top1: float

    @property
    def arrived(self) -> bool:
        """Whether the target was reached."""
        return self.top1 >= TARGET


def resident(split: SplitName) -> ResidentSplit:
    """A split at the network's side."""
    found = load_split(DATA, split, NETWORK.resolution_px)
    if not isinstance(found, ResidentSplit):
        raise TypeError("these small images lie whole in memory")
    return found


def by_ours(seed: int) -> Arrival:
    """Train by our recipe to its end, then score once."""
    task = Task(NETWORK, resident("train"), RECIPE.batch_size, loaders=0, seed=seed)
    model = task.model()
    trainer = Trainer(model, task.train, few(task.train), RECIPE, EPOCHS, seed, CPU)
    began = time.process_time()
    trainer.run()
    spent = time.process_time() - began
    return Arrival(spent, scored(trainer.state.evaluated))


def by_tutorial(seed: int, limit_seconds: float) -> Arrival:
    """Train by the tutorial loop until a score reaches the target, or the time is up."""
    task = Task(NETWORK, resident("train"), PEER_BATCH, loaders=0, seed=seed)
    model = task.model()
    steps = training(model, tutorial_batches(task, crop=False))
    every = len(task.train) // PEER_BATCH // SCORES_AN_EPOCH
    spent, top1 = 0.0, 0.0
    while top1 < TARGET and spent < limit_seconds:
        began = time.process_time()
        for _ in range(every):
            next(steps)
        spent += time.process_time() - began
        top1 = scored(model)
    return Arrival(spent, top1)


def scored(model: nn.Module) -> float:
    """The share of the test images that are right."""
    return score(model, resident("test"), RECIPE, CPU).top1


def raced(seed: int) -> tuple[Arrival, Arrival]:
    """Ours, then the peer, each in a fresh process with what its interpreter needs."""
    ours = _in_child(["ours", seed], interpreter_settings(1))
    limit = PATIENCE * ours.cpu_seconds
    # One thread is in the peer's favour: more of them take more CPU-seconds for the same work.
    return ours, _in_child(["tutorial", seed, limit], {"OMP_NUM_THREADS": "1"})


def _in_child(asked: Sequence[object], settings: dict[str, str]) -> Arrival:
    done = subprocess.run(
        [sys.executable, __file__, "--child", *map(str, asked)],
        stdout=subprocess.PIPE,
        env={**os.environ, **settings},
        check=True,
    )
    return Arrival(**json.loads(done.stdout))


def child(who: str, seed: str, *limit: str) -> Arrival:
    """What a child does, by the words of its command line."""
    torch.set_num_threads(1)
    return by_ours(int(seed)) if who == "ours" else by_tutorial(int(seed), float(limit[0]))


def conclude(pairs: Sequence[tuple[Arrival, Arrival]]) -> Claim:
    """The peer's seconds over ours; never reached where one of ours did not arrive."""
    ours, peer = ([a.cpu_seconds for a in arrivals] for arrivals in zip(*pairs, strict=True))
    stopped = sum(not b.arrived for _, b in pairs)
    missed = sum(not a.arrived for a, _ in pairs)
    words = f"{100 * TARGET:g} % on Fashion-MNIST's test images for a fifth of the CPU-seconds"
    if stopped:
        words += f" (a lower bound: {stopped} of {len(pairs)} peers were stopped on their way)"
    if missed:
        words += f" (ours never arrived from {missed} of {len(pairs)} seeds)"
    claim = Claim.of_medians(words, "the tutorial loop (PIL, DataLoader, Adam)", peer, ours, GOAL)
    return replace(claim, reached=claim.reached and not missed)


def show(pairs: Sequence[tuple[Arrival, Arrival]]) -> None:
    """Print the seeds for people."""
    print(f"{'seed':>4}  {'ours: CPU-s':>11}  {'top-1':>6}  {'peer: CPU-s':>11}  {'top-1':>6}")
    for seed, (a, b) in enumerate(pairs):
        print(
            f"{seed:4}  {a.cpu_seconds:11.1f}  {100 * a.top1:5.2f}%"
            f"  {b.cpu_seconds:11.1f}  {100 * b.top1:5.2f}%"
        )


def main() -> None:
    """Measure and print."""
    parser = parser_of(__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(asdict(child(*asked.child))))
        return
    # Made ready once, before the children ask for them.
    resident("train")
    resident("test")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        pairs = list(pool.map(raced, range(asked.seeds)))
    if not asked.json:
        show(pairs)
    print_claims([conclude(pairs)], as_json=asked.json, workers=AT_A_TIME)


if __name__ == "__main__":
    main()
