"""Claims: a million grid points, 100 000 ledger lines and the driver's work per job cost little.

(a) A space of 10⁶ grid points is enumerated in under 20 s and 1 GiB; peer: `scale` and `count` for
each point, a sample of 10 000 of them, scaled up. (b) A ledger of 100 000 lines opens in under 2 s
and 1 KiB a line; peers: json.loads of each line, and Optuna's journal file with a fiftieth of the
trials, scaled up (its trials hold less than our lines). (c) What the driver does per job takes
under 5 ms; peer: Optuna's ask and tell in memory with the same sampler and number of trials, which
keeps nothing on disk. All in a fresh process each, times are the thread's own, files lie in the
page cache; what (c) waits for the disk (one fsync a result) is said apart. Needs Linux.
`python benchmarks/scale.py [--json] [--rounds N] [--limit SECONDS of one search]`; some minutes.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import optuna
from claim import Claim, parser_of, print_claims
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import create_trial
from pretended import AtOnce, counted_flushes, experiment_of, write_ledger

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.cost.analytic import count
from scaling_search.experiment.runner import NullListener, Runner
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.retry import circumstances
from scaling_search.search.candidates import candidates
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.search.strategies import StrategyName

MILLION = Space(Axis(1.0, 2.0, 0.01), Axis(1.0, 1.5, 0.005), Axis(1.0, 1.5, 0.005))
LINES, SAMPLE, JOURNAL_TRIALS = 100_000, 10_000, 2_000
ENUMERATE_GOAL_S, OPEN_GOAL_S, JOB_GOAL_MS = 20.0, 2.0, 5.0
GIB, KIB = 1 << 30, 1 << 10
# How much faster than point by point and than json.loads; how much of Optuna's speed is kept.
POINTS_GOAL, PARSE_GOAL, JOURNAL_GOAL, ASK_GOAL = 10.0, 2.0, 2.0, 0.5
AXES: dict[str, BaseDistribution] = {name: FloatDistribution(1.0, 2.0) for name in "abc"}
SEARCHES: tuple[tuple[StrategyName, bool], ...] = (
    *(("grid", False), ("random", False), ("tpe", False), ("tpe", True)),
)
TRIALS = (50, 200, 1000)


@dataclass(frozen=True)
class Spent:
    """The thread's seconds; the process's peak bytes, and those that it had before; how many."""

    seconds: float
    peak_bytes: int
    before_bytes: int
    number: int
    fsync_seconds: float = 0.0
    cut: bool = False


def in_fresh_process(work: Callable[..., Spent], *arguments: object) -> Spent:
    """What the work spends when nothing is remembered from before."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def memory_bytes(name: str) -> int:
    """A figure of this process: VmRSS now, VmHWM at its highest since it began."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * KIB for line in lines if line.startswith(f"{name}:"))


def timed(work: Callable[[], int]) -> Spent:
    """What the work spends; it returns how many things it dealt with."""
    before, began = memory_bytes("VmRSS"), time.thread_time()
    number = work()
    return Spent(time.thread_time() - began, memory_bytes("VmHWM"), before, number)


def enumerated() -> Spent:
    """(a) Ours."""
    return timed(lambda: len(candidates(zoo.get("efficientnet-b0"), Budget(), MILLION)))


def point_by_point(seed: int) -> Spent:
    """(a) The peer, on some points of the same grid."""
    axes = [axis.values() for axis in (MILLION.alpha, MILLION.beta, MILLION.gamma)]
    shuffle = random.Random(seed)
    points = [Coefficients(*map(shuffle.choice, axes)) for _ in range(SAMPLE)]
    return timed(lambda: len(within_budget(points)))


def within_budget(points: Sequence[Coefficients]) -> set[object]:
    """The distinct networks that the points make of B0 and whose MACs are twice its own ± 5 %."""
    base = zoo.get("efficientnet-b0")
    twice = 2 * count(base).macs
    made = {scale(base, point.at(1.0)) for point in points}
    return {network for network in made if abs(count(network).macs / twice - 1) <= 0.05}


def same_candidates() -> None:
    """Both ways must find the same networks, here on the default grid of 2541 points."""
    axes = (axis.values() for axis in (Space().alpha, Space().beta, Space().gamma))
    points = [Coefficients(*point) for point in product(*axes)]
    ours = {each.architecture for each in candidates(zoo.get("efficientnet-b0"), Budget())}
    if ours != within_budget(points):
        raise ValueError("the enumeration and the points one by one must give the same networks")


def opened(path: str) -> Spent:
    """(b) Ours."""

    def work() -> int:
        with Ledger(Path(path)) as ledger:
            return len(ledger)

    return timed(work)


def parsed(path: str) -> Spent:
    """(b) The peer: every line parsed, none kept."""

    def work() -> int:
        with Path(path).open("rb") as lines:
            return sum(1 for line in lines if json.loads(line)["hash"])

    return timed(work)


def journal(path: str) -> Spent:
    """(b) The peer: Optuna's journal, read back."""

    def work() -> int:
        storage = JournalStorage(JournalFileBackend(path))
        return len(storage.get_all_trials(0, deepcopy=False))

    return timed(work)


def write_journal(path: Path) -> None:
    """A journal of trials with three parameters and a curve of eight epochs."""
    study = optuna.create_study(storage=JournalStorage(JournalFileBackend(str(path))))
    trial = create_trial(
        params=dict.fromkeys(AXES, 1.25),
        distributions=dict(AXES),
        value=0.8,
        intermediate_values=dict.fromkeys(range(1, 9), 0.8),
    )
    for _ in range(JOURNAL_TRIALS):
        study.add_trial(trial)


def driven(strategy: StrategyName, trials: int, asynchronous: bool, limit_seconds: float) -> Spent:
    """(c) Ours: the whole of `Drive.search` but for trainings and the disk."""
    experiment = experiment_of(strategy, trials, asynchronous)
    if len(experiment.pool) < trials:
        raise ValueError(f"{trials} candidates are needed, the space has {len(experiment.pool)}")
    executor, found = AtOnce(limit_seconds), {"device": "cpu"}
    with (
        tempfile.TemporaryDirectory() as folder,
        counted_flushes() as flushes,
        Ledger(Path(folder) / "ledger.jsonl") as ledger,
    ):
        now = circumstances("cpu", "cpu", 1, None)
        drive = Runner(experiment, ledger, executor, "cpu", found, NullListener(), now)
        spent = timed(lambda: len(drive.search().state().missing))
    own = spent.seconds - executor.seconds - flushes.cpu_seconds
    cut = spent.number > 0
    return Spent(own, spent.peak_bytes, spent.before_bytes, executor.jobs, flushes.seconds, cut)


def asked_and_told(strategy: StrategyName, trials: int) -> Spent:
    """(c) The peer: Optuna alone, nothing kept."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tpe = optuna.samplers.TPESampler(seed=0, n_startup_trials=5)
    sampler = tpe if strategy == "tpe" else optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def work() -> int:
        for _ in range(trials):
            trial = study.ask(AXES)
            study.tell(trial, sum(trial.params.values()))
        return trials

    return timed(work)


def of_space(rounds: int) -> list[Claim]:
    """The claims of (a)."""
    same_candidates()
    pairs = [
        (in_fresh_process(enumerated), in_fresh_process(point_by_point, seed))
        for seed in range(rounds)
    ]
    points = math.prod(len(a.values()) for a in (MILLION.alpha, MILLION.beta, MILLION.gamma))
    space = f"a space of {points} grid points is enumerated"
    times = [ENUMERATE_GOAL_S / ours.seconds for ours, _ in pairs]
    sizes = [GIB / ours.peak_bytes for ours, _ in pairs]
    against = [peer.seconds / SAMPLE * points / ours.seconds for ours, peer in pairs]
    one_by_one = f"scale and count for each point ({SAMPLE} of them, scaled up)"
    return [
        Claim.of_ratios(f"{space} in under {ENUMERATE_GOAL_S:g} s", "20 s", times, 1.0),
        Claim.of_ratios(f"{space} in under 1 GiB", "1 GiB", sizes, 1.0),
        Claim.of_ratios(f"{space} {POINTS_GOAL:g} times as fast", one_by_one, against, POINTS_GOAL),
    ]


def of_ledger(rounds: int) -> list[Claim]:
    """The claims of (b)."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        path = write_ledger(Path(folder) / "ledger.jsonl", LINES)
        write_journal(Path(folder) / "journal.log")
        runs = [
            (
                in_fresh_process(opened, str(path)),
                in_fresh_process(parsed, str(path)),
                in_fresh_process(journal, str(Path(folder) / "journal.log")),
            )
            for _ in range(rounds)
        ]
        megabytes = path.stat().st_size / 1e6
    if any((ours.number, peer.number) != (LINES, LINES) for ours, peer, _ in runs):
        raise ValueError("every line must be read")
    lines = f"a ledger of {LINES} lines ({megabytes:.0f} MB) opens"
    grown = [LINES * KIB / max(1, ours.peak_bytes - ours.before_bytes) for ours, _, _ in runs]
    optunas = [their.seconds * LINES / JOURNAL_TRIALS / ours.seconds for ours, _, their in runs]
    times = [OPEN_GOAL_S / ours.seconds for ours, _, _ in runs]
    parsing = [peer.seconds / ours.seconds for ours, peer, _ in runs]
    a_journal = f"Optuna's JournalStorage ({JOURNAL_TRIALS} smaller trials, scaled up)"
    return [
        Claim.of_ratios(f"{lines} in under {OPEN_GOAL_S:g} s", "2 s", times, 1.0),
        Claim.of_ratios(f"{lines} in under 1 KiB a line", "1 KiB a line", grown, 1.0),
        Claim.of_ratios(f"{lines} {PARSE_GOAL:g} times as fast", "json.loads", parsing, PARSE_GOAL),
        Claim.of_ratios(
            f"{lines} {JOURNAL_GOAL:g} times as fast", a_journal, optunas, JOURNAL_GOAL
        ),
    ]


def of_driver(rounds: int, limit_seconds: float) -> list[Claim]:
    """The claims of (c): for each search the time of a job, and its peer."""
    claims = []
    for (strategy, asynchronous), trials in product(SEARCHES, TRIALS):
        pairs = [
            (
                in_fresh_process(driven, strategy, trials, asynchronous, limit_seconds),
                in_fresh_process(asked_and_told, strategy, trials),
            )
            for _ in range(rounds)
        ]
        claims += of_search(strategy, trials, asynchronous, pairs)
    return claims


def of_search(
    strategy: StrategyName, trials: int, asynchronous: bool, pairs: Sequence[tuple[Spent, Spent]]
) -> list[Claim]:
    """The two claims of one search; a search that its limit cut off says so."""
    jobs = [ours.seconds / ours.number for ours, _ in pairs]
    asked = [peer.seconds / peer.number for _, peer in pairs]
    disk = statistics.median(1000 * o.fsync_seconds / o.number for o, _ in pairs)
    way = f"{strategy}, asynchronous" if asynchronous else strategy
    cut = f", cut off after {pairs[0][0].number} jobs" if any(o.cut for o, _ in pairs) else ""
    driver = f"the driver's work per job ({way}, {trials} candidates{cut})"
    fsync = f"{JOB_GOAL_MS:g} ms; the disk's part, {disk:.2g} ms, is not counted"
    ratios = [JOB_GOAL_MS / 1000 / job for job in jobs]
    against = [theirs / job for job, theirs in zip(jobs, asked, strict=True)]
    peer = f"Optuna's ask and tell in memory, {trials} trials"
    return [
        Claim.of_ratios(f"{driver} stays under {JOB_GOAL_MS:g} ms", fsync, ratios, 1.0),
        Claim.of_ratios(f"{driver} is at most twice a trial of Optuna's", peer, against, ASK_GOAL),
    ]


def main() -> None:
    """Measure and print."""
    parser = parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=10.0)
    asked = parser.parse_args()
    parts = (of_space(asked.rounds), of_ledger(asked.rounds), of_driver(asked.rounds, asked.limit))
    print_claims([claim for part in parts for claim in part], as_json=asked.json)


if __name__ == "__main__":
    main()
