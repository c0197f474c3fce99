"""How many jobs a GPU takes: what a trial tries next, when it stops, and what it chooses.

A small network leaves most of a card idle: on one H100 1, 2, 4 and 8 processes trained 6049, 13065,
22480 and 39610 images/s of one. A large network fills a card alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.jobs.executor import default_workers

MOST_JOBS = 16
RISES = 1.1  # what a doubling must gain for another one to be tried
NEAR_BEST = 0.95  # of the best rate: fewer processes that reach this are better
FULL = 0.9  # of a card's memory: larger networks, and others, need the rest


@dataclass(frozen=True)
class ShareMeasurement:
    """So many jobs at once on a card: their images per second together, and the memory then.

    `memory_share` is the used part of the whole card's, other processes' included; None where NVML
    says nothing.
    """

    jobs: int
    images_per_second: float
    memory_share: float | None = None


def next_number(tried: Sequence[ShareMeasurement], most: int) -> int | None:
    """The number of jobs to try next, at most `most`; None once the trial is over.

    The number doubles while the last doubling gained at least a tenth and as many fit into nine
    tenths of the memory, each taking as much as those before.

    Examples:
        >>> from scaling_search.jobs.gpu_share import ShareMeasurement, next_number
        >>> one, two = ShareMeasurement(1, 6049.0, 0.02), ShareMeasurement(2, 13065.0, 0.03)
        >>> next_number([one, two], most=16)
        4
    """
    if not tried:
        return 1
    last = tried[-1]
    if len(tried) > 1 and last.images_per_second < RISES * tried[-2].images_per_second:
        return None
    number = min(2 * last.jobs, most, _fitting(last))
    return number if number > last.jobs else None


def chosen(tried: Sequence[ShareMeasurement]) -> int:
    """The smallest number of jobs that reaches 95 % of the best rate; 1 where nothing ran.

    Examples:
        >>> from scaling_search.jobs.gpu_share import ShareMeasurement, chosen
        >>> rates = {1: 6049.0, 2: 13065.0, 4: 22480.0, 8: 39610.0}  # images per second together
        >>> chosen([ShareMeasurement(jobs, rate) for jobs, rate in rates.items()])
        8
    """
    best = max((measurement.images_per_second for measurement in tried), default=0.0)
    return min((e.jobs for e in tried if e.images_per_second >= NEAR_BEST * best), default=1)


def rate(steps: Sequence[tuple[int, float]]) -> float:
    """Steps per second from counts of steps and the seconds at which they were reached.

    Examples:
        >>> from scaling_search.jobs.gpu_share import rate
        >>> rate([(100, 10.0), (160, 14.0), (220, 16.0)])
        20.0
    """
    (first, began), (last, ended) = steps[0], steps[-1]
    return (last - first) / (ended - began)


def most_jobs(cards: int) -> int:
    """The most jobs that a trial tries on each of so many cards: a core each, and at most 16."""
    return max(1, min(MOST_JOBS, default_workers("cpu") // cards))


def trial_words(tried: Sequence[ShareMeasurement]) -> str:
    """The trial in short: "1: 6049, 2: 13065 images/s".

    Examples:
        >>> from scaling_search.jobs.gpu_share import ShareMeasurement, trial_words
        >>> trial_words([ShareMeasurement(1, 6049.0), ShareMeasurement(2, 13065.0)])
        '1: 6049, 2: 13065 images/s'
    """
    rates = ", ".join(f"{trial.jobs}: {trial.images_per_second:.0f}" for trial in tried)
    return f"{rates} images/s" if rates else "no training ran in it"


def _fitting(last: ShareMeasurement) -> int:
    if not last.memory_share:
        return MOST_JOBS
    return int(FULL * last.jobs / last.memory_share)
