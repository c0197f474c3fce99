"""Claim: the ratio to an anchor repeats within 3 % where medians of the same samples do not.

Five independent calls of the profiler time B0 to B3 at 64 px on one thread; the anchor is B0. What
is compared is how far each number moves over the calls, largest over smallest, the worst network.
The peer is the plain median of the same samples. Then one call with the other core kept busy by a
process of our own: the profiler must flag it, and must not have flagged a foreign load on a quiet
machine. `python benchmarks/latency_repeatability.py [--json]`; about five minutes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

from claim import Claim, parser_of, print_claims

from scaling_search.arch import zoo
from scaling_search.latency.job import Machine, Regime, TimeBudget
from scaling_search.latency.process_runner import machine_of
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Latency

CALLS, PX, GOAL = 5, 64, 0.03
BUDGET = TimeBudget(seconds=30.0, processes=5, attempts=1)
NETWORKS = tuple(zoo.get(f"efficientnet-b{n}").fitted(resolution_px=PX) for n in range(4))
# A thread that works at numbers as a network's does, in a process of its own.
LOAD = "import torch; torch.set_num_threads(1); a = torch.randn(512, 512)\nwhile True: a @ a"


@contextmanager
def busy_core() -> Iterator[None]:
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", LOAD])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def call(seed: int) -> list[Latency]:
    """One independent call: fresh processes, its own order of blocks."""
    place = Machine(machine=machine_of("cpu"))
    found = profile(NETWORKS, [Regime()], BUDGET, place=place, seed=seed)
    timings = [timing for timing in found.timings if isinstance(timing, Latency)]
    if len(timings) != len(NETWORKS):
        raise ValueError(f"not everything could be timed: {found.timings}")
    return timings


def moves(calls: Sequence[Sequence[float]]) -> list[float]:
    """How far each network's number moves over the calls: largest over smallest, less one."""
    return [max(own) / min(own) - 1 for own in zip(*calls, strict=True)]


def repeats(calls: Sequence[Sequence[Latency]]) -> Claim:
    """How much more the medians move than the ratios."""
    ratios = moves([[timing.ratio or 0.0 for timing in row] for row in calls])
    medians = moves([[timing.median_ms for timing in row] for row in calls])
    factors = [ms / ratio for ms, ratio in zip(medians, ratios, strict=True)]
    return Claim(
        claim=(
            f"over {CALLS} calls the ratio to the anchor moves by at most {100 * GOAL:g} %, and "
            f"medians move more (worst: {100 * max(ratios):.1f} % and {100 * max(medians):.1f} %)"
        ),
        peer="the plain median of the same samples",
        ratio=round(max(medians) / max(ratios), 2),
        low=round(min(factors), 2),
        high=round(max(factors), 2),
        n=len(NETWORKS),
        goal=1.0,
        reached=max(ratios) <= GOAL and max(medians) > max(ratios),
    )


def notices(quiet: Sequence[Sequence[Latency]], loaded: Sequence[Latency]) -> Claim:
    """How much of the networks is flagged for foreign load, with a busy core and without."""
    with_load = share_flagged(loaded)
    without = median(share_flagged(row) for row in quiet)
    return Claim(
        claim=(
            "a busy second core is flagged on every network, and on none when there is none "
            f"({100 * with_load:.0f} % and {100 * without:.0f} %)"
        ),
        peer="the same call without the load",
        ratio=with_load,
        low=with_load,
        high=with_load,
        n=len(loaded),
        goal=1.0,
        reached=with_load == 1.0 and without == 0.0,
    )


def share_flagged(timings: Sequence[Latency]) -> float:
    """The share of the networks that are flagged for foreign load."""
    flagged = [any(f.reason == "foreign load" for f in timing.flags) for timing in timings]
    return sum(flagged) / len(flagged)


def show(calls: Sequence[Sequence[Latency]]) -> None:
    """Print each call's numbers for people."""
    print(f"{'call':>4}  " + "  ".join(f"{t.network:>24}" for t in calls[0]))
    for number, row in enumerate(calls, 1):
        cells = [f"{t.ratio or 0:.3f} ({t.median_ms:6.2f} ms, {len(t.flags)} flags)" for t in row]
        print(f"{number:4}  " + "  ".join(cells))


def main() -> None:
    """Measure, check and print."""
    asked = parser_of(__doc__).parse_args()
    calls = [call(seed) for seed in range(CALLS)]
    with busy_core():
        loaded = call(CALLS)
    if not asked.json:
        show(calls)
        print("with the other core busy:")
        show([loaded])
    print_claims([repeats(calls), notices(calls, loaded)], as_json=asked.json)


if __name__ == "__main__":
    main()
