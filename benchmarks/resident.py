"""Claim: a small set that lies whole on the device trains faster than through a DataLoader.

Both take the same steps of the same recipe with the same network, shift and flip; the peer's images
come out of PIL transforms and a DataLoader (its loader processes, pinned memory and copies that
are not waited for on a GPU; in the same process on a CPU), ours were on the device before the first
step, and so are an epoch's order and draws. The goals, stated beforehand: 2 on a GPU, by wall time;
1.2 on a CPU, by the process's own time on one thread.
`python benchmarks/resident.py [--device cuda] [--compile reduce-overhead] [--precision bfloat16]
[--network NAME] [--px N] [--batch N] [--loaders N] [--rounds N] [--json]`; a minute on one core.
`--compile reduce-overhead` captures forward and backward of both in CUDA graphs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast, get_args

import torch
from claim import Claim, parser_of, print_claims
from peers.ours import few
from peers.task import Pictures, Task
from torch.utils.data import DataLoader
from torchvision import transforms

from scaling_search.arch import zoo
from scaling_search.core.number_formats import Precision
from scaling_search.cost.arithmetic import arithmetic
from scaling_search.data.augment import normalise
from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest
from scaling_search.data.splits import Batch, ResidentSplit
from scaling_search.jobs.environment import chosen_device
from scaling_search.training.history import EpochRecord
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Compile, Recipe
from scaling_search.training.step import train_step
from scaling_search.training.train_state import MEMORY_FORMATS, new_state

GPU_GOAL, CPU_GOAL, GPU_LOADERS = 2.0, 1.2, 8
TOLERANCE = 1e-3


@dataclass
class Stopwatch:
    """Seconds that matter on the device: wall time on a GPU, this process's own on a CPU."""

    device: torch.device
    began: float = 0.0

    def start(self) -> None:
        """Wait for what is under way, then start."""
        self.began = self._now()

    def stop(self) -> float:
        """The seconds since the start, with all that was started done."""
        return self._now() - self.began

    def _now(self) -> float:
        if self.device.type == "cpu":
            return time.process_time()
        torch.cuda.synchronize(self.device)
        return time.perf_counter()


def through_loader(task: Task, recipe: Recipe, device: torch.device) -> Iterator[int]:
    """Train without end on what a DataLoader gives; yields after each epoch."""
    px = task.network.resolution_px
    transform = transforms.Compose(
        [
            transforms.RandomCrop(px, padding=px // 8),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(*task.normalisation),
        ]
    )
    loader = DataLoader(
        Pictures(task.train, transform),
        batch_size=task.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=task.loaders,
        persistent_workers=task.loaders > 0,
        pin_memory=device.type == "cuda",
    )
    state, layout = new_state(task.model(), recipe, device), MEMORY_FORMATS[recipe.memory_format]
    state.model.train()
    while True:
        for images, labels in loader:
            moved: Batch = (
                images.to(device, memory_format=layout, non_blocking=True),
                labels.to(device, non_blocking=True),
            )
            train_step(state, recipe, recipe.learning_rate, [moved], device)
        yield len(loader) * task.batch_size


@dataclass
class Rounds:
    """What is timed: an epoch of ours, then one of the peer's, and so on."""

    watch: Stopwatch
    peer: Callable[[], int]
    ours_seconds: list[float] = field(default_factory=list)
    peer_seconds: list[float] = field(default_factory=list)

    def between(self, _: EpochRecord) -> None:
        """After each epoch of ours comes one of the peer's."""
        self.ours_seconds.append(self.watch.stop())
        self.watch.start()
        self.peer()
        self.peer_seconds.append(self.watch.stop())
        self.watch.start()


def measure(
    task: Task, recipe: Recipe, device: torch.device, rounds: int
) -> list[tuple[float, float]]:
    """The seconds of an epoch, ours and the peer's; the first of each, a warm-up, is left out."""
    train = task.train
    there = ResidentSplit(
        train.images.to(device), train.labels, train.mean.to(device), train.std.to(device)
    )
    steps = through_loader(task, recipe, device)
    timed = Rounds(Stopwatch(device), lambda: next(steps))
    trainer = Trainer(
        task.model(), there, few(there), recipe, rounds + 1, 0, device, on_epoch=timed.between
    )
    timed.watch.start()
    trainer.run()
    return list(zip(timed.ours_seconds, timed.peer_seconds, strict=True))[1:]


def check(task: Task, device: torch.device) -> None:
    """Raise ValueError unless both ways give the same pixels of an image as it is."""
    train, count = task.train, task.batch_size
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(*task.normalisation)])
    pictures = Pictures(train, plain)
    theirs = torch.stack([cast(torch.Tensor, pictures[i][0]) for i in range(count)])
    ours = normalise(train.images[:count].to(device), train.mean, train.std).cpu()
    furthest = (ours - theirs).abs().max().item()
    if furthest > TOLERANCE:
        raise ValueError(f"both ways must give the same pixels, they differ by {furthest:.3g}")


def conclude(seconds: list[tuple[float, float]], device: torch.device, goal: float) -> Claim:
    """The peer's seconds over ours."""
    claim = f"a set that lies on the {device.type} trains {goal:g} times as fast"
    ours, peer = zip(*seconds, strict=True)
    return Claim.of_medians(claim, "the same steps fed by a DataLoader", peer, ours, goal)


def asked_for() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", default="off", choices=get_args(Compile))
    parser.add_argument("--precision", default="float32", choices=get_args(Precision))
    parser.add_argument("--network", default="micro")
    parser.add_argument("--px", type=int, default=28)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--loaders", type=int, help="processes of the peer's DataLoader")
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def prepared(asked: argparse.Namespace, device: torch.device) -> tuple[Task, Recipe]:
    """What is trained, and how."""
    loaders = asked.loaders
    if loaders is None:
        loaders = 0 if device.type == "cpu" else min(GPU_LOADERS, os.cpu_count() or 1)
    train = cast(ResidentSplit, load_split(DataRequest(), "train", asked.px))
    network = zoo.get(asked.network).fitted(resolution_px=asked.px, num_classes=20, in_channels=1)
    recipe = Recipe(
        batch_size=asked.batch,
        augment="shift-flip",
        compile=asked.compile,
        precision=asked.precision,
    )
    return Task(network, train, asked.batch, loaders), recipe


def show(seconds: list[tuple[float, float]], task: Task) -> None:
    """Print rates for people."""
    images = len(task.train) // task.batch_size * task.batch_size
    rates = [images / statistics.median(each) for each in zip(*seconds, strict=True)]
    print(f"images/s: {rates[0]:.0f} resident, {rates[1]:.0f} by {task.loaders} loader processes")


def main() -> None:
    """Measure and print."""
    asked = asked_for()
    device = torch.device(chosen_device(asked.device))
    if device.type == "cpu":
        torch.set_num_threads(1)
    task, recipe = prepared(asked, device)
    check(task, device)
    with arithmetic(recipe.number_format, device):
        seconds = measure(task, recipe, device, asked.rounds)
    if not asked.json:
        show(seconds, task)
    claim = conclude(seconds, device, CPU_GOAL if device.type == "cpu" else GPU_GOAL)
    print_claims([claim], as_json=asked.json, device=device.type)


if __name__ == "__main__":
    main()
