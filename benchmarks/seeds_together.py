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
import json
import math
import os
import random
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import torch
from claim import Claim
from peers.child import task_of
from peers.process import Rate, Team
from peers.seeds import WAYS, losses_apart, losses_at_once

from scaling_search.core.stats import mean_interval
from scaling_search.jobs.environment import environment

GOAL, STEPS, TOLERANCE = 1.5, 5, 1e-6
PEERS = ("in turn", "processes")
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
    made = []
    for way in WAYS:
        for peer in PEERS:
            words = (
                f"{asked['seeds']} seeds of {network} train at once, {way}, {GOAL:g} times as fast"
            )
            pairs = zip(rates[way], rates[peer], strict=True)
            made.append(
                _claim(words, peer, [(ours.of_cpu, theirs.of_cpu) for ours, theirs in pairs])
            )
    return made


def _claim(words: str, peer: str, pairs: Sequence[tuple[float, float]]) -> Claim:
    """The ratio of medians; its interval is that of the mean log ratio of the rounds."""
    interval = mean_interval([math.log(ours / theirs) for ours, theirs in pairs])
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    return Claim(
        claim=words,
        peer={"in turn": "one after the other", "processes": "as many processes"}[peer],
        ratio=round(ours / theirs, 3),
        low=round(math.exp(interval.low), 3),
        high=round(math.exp(interval.high), 3),
        n=len(pairs),
        goal=GOAL,
        reached=ours / theirs >= GOAL,
    )


def show(rates: Mapping[str, Sequence[Rate]], made: Sequence[Claim], off: float) -> None:
    """Print rates and claims for people."""
    print(f"float32 losses of the first {STEPS} steps are off by {off:.2g} at most")
    print(f"{'':>12}  {'images/s':>9}  {'images/CPU-s':>12}   (medians)")
    for name, found in rates.items():
        wall = statistics.median(rate.of_wall for rate in found)
        cpu = statistics.median(rate.of_cpu for rate in found)
        print(f"{name:>12}  {wall:9.0f}  {cpu:12.0f}")
    for claim in made:
        reached = "reached" if claim.reached else "missed"
        print(f"{claim.claim}: {claim.ratio:.2f} [{claim.low:.2f}, {claim.high:.2f}], n={claim.n}")
        print(f"  against {claim.peer}; goal {claim.goal:g}: {reached}")


def asked_for() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true")
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
        made = claims(common, rates)
        all_claims += made
        if not asked.json:
            show(rates, made, off)
    if asked.json:
        print(json.dumps([asdict(claim) for claim in all_claims], indent=2))
        return
    for key, value in environment("cpu", 1).items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
