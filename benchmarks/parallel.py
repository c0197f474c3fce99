"""Claim: two workers give at least 1.7 times the jobs per minute of one worker.

Peer: one worker. Both are warm, train the same jobs from nothing in alternation, and must give
the same results. `python benchmarks/parallel.py [--json]`; about two minutes on two cores.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

from claim import Claim

from scaling_search.arch import zoo
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.jobs.environment import environment
from scaling_search.jobs.execute import Place
from scaling_search.jobs.executor import Ended, Workers, each_of
from scaling_search.jobs.job import Finished, Result, TrainJob, job_for
from scaling_search.statistics import mean_interval
from scaling_search.training.recipe import Recipe

PAIRS, JOBS, EPOCHS, GOAL = 5, 8, 3, 1.7
DATA = DataRequest(train_images=800, test_images=20)


def jobs(seeds: range) -> list[TrainJob]:
    """A short training of `micro` at its own resolution, for each seed."""
    data = (DATA, describe(DATA))
    network = zoo.get("micro")
    return [job_for(network, data, Recipe(), epochs=EPOCHS, seed=seed) for seed in seeds]


def timed(pool: Workers, work: Sequence[TrainJob]) -> tuple[float, dict[int, Result]]:
    """The seconds from the first order to the last result, and the results by seed."""
    began = time.perf_counter()
    found = {e.job.seed: e.result for e in pool.run(each_of(work)) if isinstance(e, Ended)}
    return time.perf_counter() - began, found


def without_times(results: dict[int, Result]) -> dict[int, Result]:
    """The results with wall seconds of zero; all must have finished."""
    bare: dict[int, Result] = {}
    for seed, result in results.items():
        if not isinstance(result, Finished):
            raise TypeError(f"the job of seed {seed} did not finish: {result}")
        history = tuple(replace(record, train_seconds=0.0) for record in result.history)
        bare[seed] = replace(result, history=history, train_seconds=0.0)
    return bare


def measure(one: Workers, two: Workers) -> list[tuple[float, float]]:
    """The seconds of one worker and of two, in pairs whose order is shuffled."""
    for pool in (one, two):
        # Each worker once: it starts, imports, and loads the images.
        timed(pool, jobs(range(pool.workers)))
    shuffle, pairs = random.Random(0), []
    work = jobs(range(100, 100 + JOBS))
    for _ in range(PAIRS):
        order = [one, two]
        shuffle.shuffle(order)
        found = {pool.workers: timed(pool, work) for pool in order}
        if without_times(found[1][1]) != without_times(found[2][1]):
            raise ValueError("one worker and two must give the same results")
        pairs.append((found[1][0], found[2][0]))
    return pairs


def conclude(pairs: Sequence[tuple[float, float]]) -> Claim:
    """The ratio of medians; its interval is that of the mean log ratio of the pairs."""
    interval = mean_interval([math.log(alone / shared) for alone, shared in pairs])
    alone, shared = (statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    ratio = alone / shared
    return Claim(
        claim=f"two workers give at least {GOAL} times the jobs per minute of one worker",
        peer="one worker",
        ratio=round(ratio, 3),
        low=round(math.exp(interval.low), 3),
        high=round(math.exp(interval.high), 3),
        n=len(pairs),
        goal=GOAL,
        reached=ratio >= GOAL,
    )


def show(claim: Claim, pairs: Sequence[tuple[float, float]]) -> None:
    """Print the pairs, the claim and the environment for people."""
    print(f"{'pair':>4}  {'one: jobs/min':>13}  {'two: jobs/min':>13}  {'ratio':>5}")
    for number, (alone, shared) in enumerate(pairs, 1):
        rates = [60 * JOBS / seconds for seconds in (alone, shared)]
        print(f"{number:4}  {rates[0]:13.1f}  {rates[1]:13.1f}  {alone / shared:5.2f}")
    print(f"{claim.claim}: {claim.ratio:.2f} [{claim.low:.2f}, {claim.high:.2f}], n = {claim.n}")
    print(f"goal {claim.goal}: {'reached' if claim.reached else 'missed'}")
    for name, value in environment("cpu", 2).items():
        print(f"{name}: {value}")


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # No checkpoints: each time, every job is trained from nothing.
        one, two = (
            stack.enter_context(Workers(count, Place(), logs / str(count))) for count in (1, 2)
        )
        pairs = measure(one, two)
    claim = conclude(pairs)
    if "--json" in sys.argv[1:]:
        print(json.dumps(asdict(claim)))
    else:
        show(claim, pairs)


if __name__ == "__main__":
    main()
