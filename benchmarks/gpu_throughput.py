"""Claim: a small proxy trains at 10 times the default's rate on a GPU, B0 at 224 px at timm's.

Each way has one thing more than the one before: a default training; its images augmented for many
steps at once; tf32; bfloat16; whole steps in CUDA graphs. In the same run, on the same network, are
two peers: timm's train step with --amp, and a loop in the way of cifar10-airbench, which has a half
precision network, a resident set, and crops and flips all of it once an epoch. All in one process
and in alternation, the order shuffled; the ratio of medians counts. Losses are other parts' matter:
`gpu_check.py --parts captured arithmetic`.
`python benchmarks/gpu_throughput.py [--json] [--rounds N] [--seconds S]
[--work NETWORK:PX:CHANNELS:BATCH ...]`; two minutes on a card. `--device cpu` does the same in
little, and says nothing of one.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from claim import Claim
from gpu.card import Card, Gpu
from gpu.contestants import Contestant, ladder
from gpu.peer_steps import peers
from gpu.sizes import Trained
from gpu.stand_in import StandIn
from gpu.trainings import images_per_second
from tabulate import tabulate

from scaling_search.core.stats import mean_interval
from scaling_search.cost.device_memory import give_back
from scaling_search.jobs.environment import chosen_device, environment

SMALL, LARGE = "micro:28:1:64", "efficientnet-b0:224:3:256"
LITTLE = "nano:16:1:8"
SMALL_GOAL, LARGE_GOAL = 10.0, 1.0
LARGE_PX = 128
WARM = 8  # steps, among them the plain ones before a capture
Rates = Mapping[str, Sequence[float]]
"""Images per second of each way, one a round, in the order of the ways."""


def measure(work: Trained, card: Card, rounds: int, seconds: float) -> dict[str, list[float]]:
    """The rates of all ways of training this network."""
    ways = [*ladder(work, card), *peers(work, card.device)]
    shuffle, rates = random.Random(0), {way.name: list[float]() for way in ways}
    for way in ways:
        _rate(way, work, card, seconds=0.0, warm=WARM)
    for _ in range(rounds):
        for way in shuffle.sample(ways, len(ways)):
            rates[way.name].append(_rate(way, work, card, seconds, warm=1))
    return rates


def _rate(way: Contestant, work: Trained, card: Card, seconds: float, warm: int) -> float:
    with way.under_way(card.device):
        return images_per_second(card, way.step, work.batch, seconds, warm=warm)


def claim(work: Trained, rates: Rates) -> Claim:
    """The last of our ways against the first, for a small network; for a large one against timm."""
    ours = [name for name in rates if name not in ("timm", "airbench")]
    large = work.px >= LARGE_PX and "timm" in rates
    peer, goal = ("timm", LARGE_GOAL) if large else (ours[0], SMALL_GOAL)
    pairs = list(zip(rates[ours[-1]], rates[peer], strict=True))
    interval = mean_interval([math.log(a / b) for a, b in pairs])
    ratio = ratio_of(rates, ours[-1], peer)
    return Claim(
        claim=f"{work.words} trains at {goal:g} times the rate",
        peer="timm's step with AMP" if large else "a default training",
        ratio=round(ratio, 3),
        low=round(math.exp(interval.low), 3),
        high=round(math.exp(interval.high), 3),
        n=len(pairs),
        goal=goal,
        reached=ratio >= goal,
    )


def ratio_of(rates: Rates, way: str, other: str) -> float:
    """The ratio of the medians of two ways."""
    return statistics.median(rates[way]) / statistics.median(rates[other])


def table(rates: Rates) -> str:
    """Each way's images per second, over the way before it and over each peer."""
    others = [name for name in ("timm", "airbench") if name in rates]
    ours = [name for name in rates if name not in others]
    rows = []
    for index, way in enumerate(rates):
        before = ratio_of(rates, way, ours[index - 1]) if 0 < index < len(ours) else None
        beside = [ratio_of(rates, way, other) for other in others]
        rows.append([way, statistics.median(rates[way]), before, *beside])
    heads = ["way", "images/s", "/ before", *(f"/ {name}" for name in others)]
    return tabulate(rows, heads, tablefmt="pipe", floatfmt=("", ".0f", *[".2f"] * 3))


def work_of(text: str) -> Trained:
    """A network and its images from NETWORK:PX:CHANNELS:BATCH."""
    network, *numbers = text.split(":")
    px, channels, batch = map(int, numbers)
    return Trained(network, px, channels, batch)


def asked_for() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="of each way in each round")
    parser.add_argument("--work", nargs="+", type=work_of)
    return parser.parse_args()


def main() -> None:
    """Measure and print, one network after the other."""
    asked = asked_for()
    device = torch.device(chosen_device(asked.device))
    on_cpu = device.type == "cpu"
    card: Card = StandIn() if on_cpu else Gpu(device=device)
    if on_cpu:
        torch.set_num_threads(1)
        print("on a CPU: in little, and nothing here says anything of a GPU", file=sys.stderr)
    works = asked.work or [work_of(each) for each in ((LITTLE,) if on_cpu else (SMALL, LARGE))]
    seconds = asked.seconds or (0.05 if on_cpu else 1.0)
    claims = []
    for work in works:
        rates = measure(work, card, asked.rounds, seconds)
        claims.append(claim(work, rates))
        give_back(device)
        if not asked.json:
            last = claims[-1]
            print(f"\n{work.words}\n{table(rates)}")
            print(f"{last.claim}: {last.ratio:.2f} [{last.low:.2f}, {last.high:.2f}], n = {last.n}")
            reached = "reached" if last.reached else "missed"
            print(f"  against {last.peer}; goal {last.goal:g}: {reached}")
    if asked.json:
        print(json.dumps([asdict(each) for each in claims], indent=2))
        return
    for name, value in environment(device.type, 1).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
