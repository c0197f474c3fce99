"""Claim: in a search the analytic walk is at least 1000 times as fast as fvcore.

The walk counts 10 000 distinct candidates from an empty memory; its peer, fvcore's
FlopCountAnalysis (conv + linear), a few of the same networks, modules built beforehand. MACs must
agree to the integer. Beside it, the least favourable case, one network alone from an empty memory;
and the whole way of a search, `scale` and `count`: at least 10 000 candidates a second on one core.
Times are the thread's own. `python benchmarks/count_speed.py [--json]`; about a minute.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import torch
from claim import Claim, parser_of, print_claims
from torch import nn

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.cost import analytic
from scaling_search.cost.analytic import count
from scaling_search.cost.counters import fvcore_conv_linear
from scaling_search.nets.build import build

CANDIDATES, SAMPLE, ROUNDS = 10_000, 4, 4
SEARCH_GOAL, ALONE_GOAL, RATE_GOAL = 1000.0, 100.0, 10_000.0

Pair = tuple[float, float]


def multipliers(n: int, seed: int) -> list[Multipliers]:
    """Up to 2 × deeper and 1.5 × wider and finer."""
    rng = random.Random(seed)
    return [
        Multipliers(rng.uniform(1, 2), rng.uniform(1, 1.5), rng.uniform(1, 1.5)) for _ in range(n)
    ]


def forget() -> None:
    """Empty the walk's memory."""
    for remembered in (analytic._end, analytic._stage, analytic._block):
        remembered.cache_clear()


def seconds(work: Callable[[], int]) -> tuple[float, int]:
    """The thread's own time for the work, and its result."""
    began = time.thread_time()
    result = work()
    return time.thread_time() - began, result


def by_fvcore(network: Architecture, model: nn.Module) -> tuple[float, int]:
    """fvcore's time and MACs for one image."""
    px = network.resolution_px
    return seconds(lambda: fvcore_conv_linear(model, (1, 3, px, px))[0])


def by_walk(network: Architecture) -> tuple[float, int]:
    """The walk's time and MACs for this network alone."""
    forget()
    return seconds(lambda: count(network).macs)


def sweep(networks: Sequence[Architecture]) -> float:
    """The walk's time for each of these networks, counted one after the other."""
    forget()
    spent, _ = seconds(lambda: sum(count(network).macs for network in networks))
    return spent / len(networks)


def pairs() -> tuple[list[Pair], list[Pair]]:
    """(walk, fvcore) seconds a network: in a sweep, and alone; in alternation."""
    base, shuffle = zoo.get("efficientnet-b0"), random.Random(0)
    networks = list(dict.fromkeys(scale(base, by) for by in multipliers(CANDIDATES, 0)))
    sample = [(network, build(network)) for network in networks[:SAMPLE]]
    by_fvcore(*sample[0])
    swept, alone = [], []
    for _ in range(ROUNDS):
        each = sweep(networks)
        for network, model in shuffle.sample(sample, SAMPLE):
            walk, peer = by_walk(network), by_fvcore(network, model)
            if walk[1] != peer[1]:
                raise ValueError(f"{network.name}: the walk gives {walk[1]}, fvcore {peer[1]}")
            swept.append((each, peer[0]))
            alone.append((walk[0], peer[0]))
    return swept, alone


def rates() -> list[float]:
    """Candidates scaled and counted in a second, memory empty at the start of each round."""
    base, found = zoo.get("efficientnet-b0"), []
    for seed in range(ROUNDS):
        grid = multipliers(CANDIDATES, seed)
        forget()
        began = time.thread_time()
        for by in grid:
            count(scale(base, by))
        found.append(CANDIDATES / (time.thread_time() - began))
    return found


def compared(words: str, seconds: Sequence[Pair], goal: float) -> Claim:
    """The peer's seconds over the walk's."""
    walk, peer = zip(*seconds, strict=True)
    claim = f"{words}, the analytic walk is at least {goal:g} times as fast as fvcore"
    return Claim.of_medians(
        claim, "fvcore's FlopCountAnalysis on the same networks", peer, walk, goal
    )


def rated(rates: Sequence[float]) -> Claim:
    """Candidates a second over the rate that was asked for."""
    claim = f"at least {RATE_GOAL:g} candidates a second are scaled and counted on one core"
    peer = f"{RATE_GOAL:g} candidates a second"
    return Claim.of_ratios(claim, peer, [rate / RATE_GOAL for rate in rates], 1.0)


def main() -> None:
    """Measure, check and print."""
    asked = parser_of(__doc__).parse_args()
    torch.set_num_threads(1)
    swept, alone = pairs()
    claims = [
        compared(f"over {CANDIDATES} candidates", swept, SEARCH_GOAL),
        compared("for one network alone, its memory empty", alone, ALONE_GOAL),
        rated(rates()),
    ]
    print_claims(claims, as_json=asked.json)


if __name__ == "__main__":
    main()
