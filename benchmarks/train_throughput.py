"""Claim: we train at least 2.5 times the images of the common tutorial loop, on the same machine.

The machine is two cores: two of our one-thread workers, each with a training of its own, against
one training by each peer with torch's default threads and two loader processes: the tutorial loop
(2.5 times), timm's train.py and torchvision's references/classification/train.py (twice). One core
is one worker against the tutorial loop that loads in its own process (1.8 times), both by their
process's own time. Same network, pixels, batch; against the tutorial the images are cropped out of
padded ones, against the others a random part is enlarged and flipped, each by its own library. All
must give the same logits for the same images first.
`python benchmarks/train_throughput.py [--json] [--rounds N] [--network NAME] [--px N]
[--images N]`; about three
minutes on two cores of a Linux machine. timm is a peer where it is installed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import torch
from claim import Claim
from peers.process import Rate, Team
from peers.timm_train import HINT, installed

from scaling_search.core.stats import mean_interval
from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest
from scaling_search.jobs.environment import environment

BATCH, CORES, TOLERANCE = 64, 2, 1e-3
Rates = Mapping[str, Sequence[Rate]]
"""For each team its rates, one a round."""


def teams(common: Mapping[str, Any]) -> dict[str, Team]:
    """Who trains, by what they are called."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]

    def team(loop: str, cores: Sequence[int], loaders: int = 0, children: int = 1) -> Team:
        return Team({**common, "loop": loop, "loaders": loaders}, cores, children)

    peers = ["tutorial", "torchvision", *(["timm"] if installed() else [])]
    machine = {peer: team(peer, cores, loaders=len(cores)) for peer in peers}
    workers = {loop: team(loop, cores, children=len(cores)) for loop in OURS}
    alone = {f"{loop}, one core": team(loop, cores[:1]) for loop in ("ours, shifted", "tutorial")}
    return machine | workers | alone


OURS = ("ours, shifted", "ours, cropped")


def check(found: Mapping[str, Team]) -> None:
    """Raise ValueError unless every child sees the same images with the same network."""
    first = {
        (name, number): torch.tensor(answer["logits"])
        for name, team in found.items()
        for number, answer in enumerate(team.first)
    }
    expected = first["ours, shifted", 0]
    for (name, _), logits in first.items():
        furthest = (logits - expected).abs().max().item()
        if furthest > TOLERANCE:
            raise ValueError(f"{name} gives other logits for the same images, by {furthest:.3g}")


def measure(found: Mapping[str, Team], rounds: int) -> Rates:
    """Each team's rates: an epoch each, one after the other, the order shuffled every round."""
    shuffle = random.Random(0)
    rates: dict[str, list[Rate]] = {name: [] for name in found}
    for _ in range(rounds):
        for name in shuffle.sample(list(found), len(found)):
            rates[name].append(found[name].epoch())
    return rates


def claims(rates: Rates) -> list[Claim]:
    """The claims of the machine, then that of one core."""
    made = []
    for peer, ours, goal in (
        ("tutorial", "ours, shifted", 2.5),
        ("timm", "ours, cropped", 2.0),
        ("torchvision", "ours, cropped", 2.0),
    ):
        if peer in rates:
            wall = [[rate.of_wall for rate in rates[name]] for name in (ours, peer)]
            words = f"two one-thread workers train {goal:g} times the images of one training"
            made.append(_claim(words, f"the {peer} loop with torch's threads", wall, goal))
    alone = [
        [rate.of_cpu for rate in rates[f"{name}, one core"]]
        for name in ("ours, shifted", "tutorial")
    ]
    words = "on one core a worker trains 1.8 times the images"
    return [*made, _claim(words, "the tutorial loop on one core", alone, 1.8)]


def _claim(words: str, peer: str, rates: Sequence[Sequence[float]], goal: float) -> Claim:
    """The ratio of medians; its interval is that of the mean log ratio of the rounds."""
    interval = mean_interval([math.log(a / b) for a, b in zip(*rates, strict=True)])
    ratio = statistics.median(rates[0]) / statistics.median(rates[1])
    return Claim(
        claim=words,
        peer=peer,
        ratio=round(ratio, 3),
        low=round(math.exp(interval.low), 3),
        high=round(math.exp(interval.high), 3),
        n=len(rates[0]),
        goal=goal,
        reached=ratio >= goal,
    )


def show(rates: Rates, made: Sequence[Claim]) -> None:
    """Print rates, claims and the environment for people."""
    print(f"{'':>24}  {'images/s':>9}  {'images/CPU-s':>12}   (medians)")
    for name, found in rates.items():
        wall, cpu = (
            statistics.median(values)
            for values in zip(*((rate.of_wall, rate.of_cpu) for rate in found), strict=True)
        )
        print(f"{name:>24}  {wall:9.0f}  {cpu:12.0f}")
    for claim in made:
        print(f"{claim.claim}: {claim.ratio:.2f} [{claim.low:.2f}, {claim.high:.2f}], n={claim.n}")
        reached = "reached" if claim.reached else "missed"
        print(f"  against {claim.peer}; goal {claim.goal:g}: {reached}")
    for key, value in environment("cpu", CORES).items():
        print(f"{key}: {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--network", default="micro")
    parser.add_argument("--px", type=int, default=28)
    parser.add_argument("--images", type=int, default=4400)
    asked = parser.parse_args()
    if not installed():
        print(HINT, file=sys.stderr)
    # Drawn once, before the children ask for it.
    load_split(DataRequest(train_images=asked.images), "train", asked.px)
    common = {"network": asked.network, "px": asked.px, "images": asked.images}
    with ExitStack() as stack:
        found = teams(common | {"batch_size": BATCH})
        for team in found.values():
            stack.enter_context(team)
        check(found)
        rates = measure(found, asked.rounds)
    made = claims(rates)
    if asked.json:
        print(json.dumps([asdict(claim) for claim in made], indent=2))
    else:
        show(rates, made)


if __name__ == "__main__":
    main()
