"""Claim: two workers give at least 1.7 times the jobs per minute of one worker.

Peer: one worker. Both are warm, train the same jobs from nothing in alternation, and must give
the same results. `python benchmarks/parallel.py [--json]`; about two minutes on two cores.

`--device cuda` puts several workers on one GPU, most of which a small network alone leaves idle. A
short trial of 1, 2, 3 and 4 workers (`--workers` names others) finds how many; that number is then
measured against one worker as above, so that a lucky trial proves nothing. The goal there is 1.5,
and results need not be the same to the bit: not every sum on a GPU has a fixed order.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from claim import Claim, parser_of, print_claims

from scaling_search.arch import zoo
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from scaling_search.jobs.executor import Ended, Executor, jobs_in_order
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.jobs.place import Place
from scaling_search.jobs.result import Finished, Result
from scaling_search.jobs.workers import Workers
from scaling_search.training.recipe import Recipe

PAIRS, JOBS, EPOCHS = 5, 8, 3
GOAL, GPU_GOAL = 1.7, 1.5
GPU_TRIAL = (1, 2, 3, 4)
DATA = DataRequest(train_images=800, test_images=20)
Pair = tuple[float, float]


def jobs(seeds: range) -> list[TrainJob]:
    """A short training of `micro` at its own resolution, for each seed."""
    data = (DATA, describe(DATA))
    network = zoo.get("micro")
    return [job_for(network, data, Recipe(), epochs=EPOCHS, seed=seed) for seed in seeds]


def timed(pool: Executor, work: Sequence[TrainJob]) -> tuple[float, dict[int, Result]]:
    """The seconds from the first order to the last result, and the results by seed."""
    began = time.perf_counter()
    found = {e.job.seed: e.result for e in pool.run(jobs_in_order(work)) if isinstance(e, Ended)}
    return time.perf_counter() - began, found


def without_times(results: dict[int, Result]) -> dict[int, Result]:
    """The results with wall seconds of zero; all must have finished."""
    bare: dict[int, Result] = {}
    for seed, result in results.items():
        if not isinstance(result, Finished):
            raise TypeError(f"the job of seed {seed} did not finish: {result}")
        history = tuple(replace(record, train_seconds=0.0) for record in result.history)
        bare[seed] = replace(result, history=history)
    return bare


def warm(pool: Workers) -> None:
    """Let each worker run one job: it starts, imports, and loads the images."""
    without_times(timed(pool, jobs(range(pool.workers)))[1])


def trial(device: str, counts: Sequence[int], logs: Path) -> dict[int, float]:
    """The jobs per minute of each number of workers, one pool after the other."""
    found = {}
    for count in counts:
        with Workers(count, Place(device), logs / f"trial-{count}") as pool:
            warm(pool)
            # So many that no worker is without one for long.
            work = jobs(range(100, 100 + max(JOBS, 3 * count)))
            seconds, results = timed(pool, work)
            without_times(results)
        found[count] = 60 * len(work) / seconds
    return found


def measure(one: Executor, several: Executor, work: Sequence[TrainJob], exact: bool) -> list[Pair]:
    """The seconds of both, which are warm, in pairs whose order is shuffled."""
    shuffle, pairs, both = random.Random(0), [], {"one": one, "several": several}
    for _ in range(PAIRS):
        found = {name: timed(both[name], work) for name in shuffle.sample(list(both), len(both))}
        results = [without_times(found[name][1]) for name in both]
        if exact and results[0] != results[1]:
            raise ValueError("one and several must give the same results")
        pairs.append((found["one"][0], found["several"][0]))
    return pairs


def conclude(pairs: Sequence[Pair], several: str, one: str, goal: float = GOAL) -> Claim:
    """The seconds of one over those of several."""
    claim = f"{several} give at least {goal} times the jobs per minute of {one}"
    alone, shared = zip(*pairs, strict=True)
    return Claim.of_medians(claim, one, alone, shared, goal)


def show(pairs: Sequence[Pair]) -> None:
    """Print the pairs for people."""
    print(f"{'pair':>4}  {'one: s':>8}  {'several: s':>10}  {'ratio':>5}")
    for number, (alone, shared) in enumerate(pairs, 1):
        print(f"{number:4}  {alone:8.2f}  {shared:10.2f}  {alone / shared:5.2f}")


def compared(device: str, workers: int, logs: Path) -> list[Pair]:
    """The pairs of one worker and of so many. No checkpoints: every job is trained from nothing."""
    with ExitStack() as stack:
        one, several = (
            stack.enter_context(Workers(count, Place(device), logs / str(count)))
            for count in (1, workers)
        )
        for pool in (one, several):
            warm(pool)
        work = jobs(range(100, 100 + max(JOBS, 3 * workers)))
        return measure(one, several, work, exact=device == "cpu")


def main() -> None:
    """Measure and print."""
    parser = parser_of(__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, nargs="+", help="the numbers that the trial tries")
    asked = parser.parse_args()
    device, on_cpu = asked.device, asked.device == "cpu"
    counts = asked.workers or (() if on_cpu else GPU_TRIAL)
    with tempfile.TemporaryDirectory() as logs:
        tried = trial(device, counts, Path(logs))
        # If one alone is the best, two show how much worse several are.
        workers = max(2, max(tried, key=tried.__getitem__)) if tried else 2
        pairs = compared(device, workers, Path(logs))
    found = f" ({workers} of them, by a trial)" if tried else ""
    who = f"{'several' if tried else 'two'} workers{'' if on_cpu else ' on one GPU'}{found}"
    if not asked.json:
        for count, rate in tried.items():
            print(f"trial: {count} workers, {rate:.1f} jobs per minute")
        show(pairs)
    claim = conclude(pairs, who, "one worker", GOAL if on_cpu else GPU_GOAL)
    print_claims([claim], as_json=asked.json, device=device, workers=2)


if __name__ == "__main__":
    main()
