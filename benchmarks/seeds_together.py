"""Claim: the seeds of one network train 1.5 times as fast at once in one process as apart.

At once there are two ways: side by side in one network whose convolutions have as many groups more
(`peers/side_by_side.py`), or with an axis of seeds in front of every weight and `torch.func.vmap`.
The peers take the same steps: one training after the other in one process, and as many processes.
All are on one core with one thread each, by their own time, so that what else the machine does
counts little. In float64 all must have the same losses first; in float32 a step's rounding grows
from step to step, as it does between any two orders of summing.
`python benchmarks/seeds_together.py [--json] [--rounds N] [--seeds N] [--network NAME]
[--px N ...] [--batch N] [--images N]`; about four minutes on one core of a Linux machine.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from claim import Claim, parser_of, print_claims
from peers.child import task_of
from peers.process import Rate, Team
from peers.seeds import WAYS, losses_apart, losses_at_once

GOAL, STEPS, TOLERANCE = 1.5, 5, 1e-6
PEERS = {"in turn": "one after the other", "processes": "as many processes"}
Asked = Mapping[str, Any]


def check(asked: Asked) -> float:
    """How far losses are apart in float32 after a few steps; raises ValueError in float64."""
    task = task_of(dict(asked))
    furthest = {}
    for dtype in (torch.float64, torch.float32):
        apart = losses_apart(task, STEPS, dtype)
        for way in WAYS:
            off = (losses_at_once(task, way, STEPS, dtype) / apart - 1).abs().max().item()
            furthest[dtype, way] = off
            if dtype == torch.float64 and off > TOLERANCE:
                raise ValueError(f"{way}: the losses must be those of each alone, off by {off:.3g}")
    return max(furthest[torch.float32, way] for way in WAYS)


def teams(asked: Asked) -> dict[str, Team]:
    """Who trains the seeds, all on the same core."""
    core = sorted(os.sched_getaffinity(0))[:1]

    def team(loop: str, seeds: int, children: int = 1) -> Team:
        return Team({**asked, "loop": loop, "seeds": seeds}, core, children)

    at_once = {way: team(f"ours, seeds {way}", asked["seeds"]) for way in WAYS}
    in_turn = team("ours, seeds in turn", asked["seeds"])
    return {
        **at_once,
        "in turn": in_turn,
        "processes": team("ours, seeds in turn", 1, asked["seeds"]),
    }


def measure(asked: Asked, rounds: int) -> dict[str, list[Rate]]:
    """Each team's rates: an epoch of all seeds each, the order shuffled every round."""
    shuffle = random.Random(0)
    with ExitStack() as stack:
        found = {name: stack.enter_context(team) for name, team in teams(asked).items()}
        rates: dict[str, list[Rate]] = {name: [] for name in found}
        for _ in range(rounds):
            for name in shuffle.sample(list(found), len(found)):
                rates[name].append(found[name].epoch())
    return rates


def claims(asked: Asked, rates: Mapping[str, Sequence[Rate]]) -> list[Claim]:
    """Each way against each peer, by the processes' own time."""
    network = f"{asked['network']}, {asked['px']} px, batch {asked['batch_size']}"
    by_cpu = {name: [rate.of_cpu for rate in each] for name, each in rates.items()}
    return [
        Claim.of_medians(
            f"{asked['seeds']} seeds of {network} train at once, {way}, {GOAL:g} times as fast",
            words,
            by_cpu[way],
            by_cpu[peer],
            GOAL,
        )
        for way in WAYS
        for peer, words in PEERS.items()
    ]


def show(rates: Mapping[str, Sequence[Rate]], off: float) -> None:
    """Print rates for people."""
    print(f"float32 losses of the first {STEPS} steps are off by {off:.2g} at most")
    print(f"{'':>12}  {'images/s':>9}  {'images/CPU-s':>12}   (medians)")
    for name, each in rates.items():
        wall = statistics.median(rate.of_wall for rate in each)
        cpu = statistics.median(rate.of_cpu for rate in each)
        print(f"{name:>12}  {wall:9.0f}  {cpu:12.0f}")


def asked_for() -> argparse.Namespace:
    """The command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--network", default="micro")
    parser.add_argument("--px", type=int, nargs="+", default=[16, 28])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", type=int, default=900)
    return parser.parse_args()


def main() -> None:
    """Measure and print, one side of the images after the other."""
    asked = asked_for()
    torch.set_num_threads(1)
    all_claims = []
    for px in asked.px:
        common = {"network": asked.network, "px": px, "images": asked.images, "loaders": 0}
        common |= {"batch_size": asked.batch, "seeds": asked.seeds}
        off = check(common)
        rates = measure(common, asked.rounds)
        all_claims += claims(common, rates)
        if not asked.json:
            show(rates, off)
    print_claims(all_claims, as_json=asked.json)


if __name__ == "__main__":
    main()
