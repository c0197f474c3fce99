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

import os
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from claim import Claim, parser_of, print_claims
from peers.process import Rate, Team
from peers.timm_train import HINT, installed

from scaling_search.data.load import load_split
from scaling_search.data.request import DataRequest

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
            above, below = ([rate.of_wall for rate in rates[name]] for name in (ours, peer))
            words = f"two one-thread workers train {goal:g} times the images of one training"
            loop = f"the {peer} loop with torch's threads"
            made.append(Claim.of_medians(words, loop, above, below, goal))
    alone = ("ours, shifted, one core", "tutorial, one core")
    above, below = ([rate.of_cpu for rate in rates[name]] for name in alone)
    words = "on one core a worker trains 1.8 times the images"
    peer = "the tutorial loop on one core"
    return [*made, Claim.of_medians(words, peer, above, below, 1.8)]


def show(rates: Rates) -> None:
    """Print rates for people."""
    print(f"{'':>24}  {'images/s':>9}  {'images/CPU-s':>12}   (medians)")
    for name, found in rates.items():
        wall, cpu = (
            statistics.median(values)
            for values in zip(*((rate.of_wall, rate.of_cpu) for rate in found), strict=True)
        )
        print(f"{name:>24}  {wall:9.0f}  {cpu:12.0f}")


def main() -> None:
    """Measure and print."""
    parser = parser_of(__doc__)
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
    if not asked.json:
        show(rates)
    print_claims(claims(rates), as_json=asked.json, workers=CORES)


if __name__ == "__main__":
    main()
