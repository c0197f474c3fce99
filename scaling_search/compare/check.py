"""Constants found at φ = 1, checked at a larger φ before much is spent on them.

Every candidate that ties with the winner at φ = 1 is grown to that φ and trained as the finalists
were; then it is seen whether the winner is still among the best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from scaling_search.arch.network import Network
from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import FamilyBudget, Member, family
from scaling_search.jobs.job import Finished, Result, TrainJob
from scaling_search.search.candidates import Candidate
from scaling_search.search.constants import Constants
from scaling_search.search.halving import Rung
from scaling_search.search.resources import Meter, gathered
from scaling_search.search.space import Budget
from scaling_search.statistics import paired_difference, ties

Make = Callable[[Network, int, int], TrainJob]
"""The job that trains a network for so many epochs from a seed."""
Find = Callable[[TrainJob], Result | None]

CHECK_COLUMNS = (
    *("network", "phi", "alpha", "beta", "gamma", "px", "macs", "growth_target", "growth", "n"),
    *("validation_top1", "behind_points", "low_points", "high_points", "winner", "tie", "status"),
)


@dataclass(frozen=True)
class Checked:
    """A candidate of φ = 1 by name, its constants, and its network at the larger φ."""

    name: str
    coefficients: Coefficients
    member: Member


def checked(
    base: Network,
    pool: Sequence[Candidate],
    constants: Constants,
    phi: float,
    budget: Budget,
    kind: FamilyBudget,
    meter: Meter | None = None,
) -> tuple[Checked, ...]:
    """The tied candidates at `phi`, the winner first; the winner by the constants of the answer.

    Those that grow into one network there, as they may where the family's resolution is solved,
    are one. `kind` and `meter` as for `family`, which may raise UntimedError.
    """
    points = {candidate.name: candidate.coefficients for candidate in pool}
    points |= {constants.ties[0]: constants.coefficients}
    wanted = [points[name] for name in constants.ties]
    members = gathered(
        partial(family, base, point, (phi,), budget, kind, meter) for point in wanted
    )
    grown = zip(constants.ties, wanted, members, strict=True)
    distinct: dict[Network, Checked] = {}
    for name, point, (member,) in grown:
        distinct.setdefault(member.architecture, Checked(name, point, member))
    return tuple(distinct.values())


def check_jobs(those: Sequence[Checked], rung: Rung, make: Make) -> list[TrainJob]:
    """Their trainings, as long and from as many seeds as at the last rung; none for one alone."""
    jobs = [job for one in those for job in _trainings(one, rung, make)] if len(those) > 1 else []
    return list({job.hash: job for job in jobs}.values())


def check_frame(those: Sequence[Checked], rung: Rung, make: Make, find: Find) -> pd.DataFrame:
    """One row a tied candidate, the best at the larger φ first; empty until all have a result.

    `validation_top1` is the mean, a fraction; `behind_points` by how many percentage points it
    lies below the best, paired by seed, with its 95 % interval; `tie` says that the evidence can't
    tell it from the best there, `winner` that it is the winner of φ = 1.
    """
    results = {one.name: _results(one, rung, make, find) for one in those}
    missing = any(result is None for by in results.values() for result in by.values())
    if missing or len(those) < 2:
        return pd.DataFrame(columns=list(CHECK_COLUMNS))
    samples = {
        name: {seed: r.validation_top1 for seed, r in by.items() if isinstance(r, Finished)}
        for name, by in results.items()
    }
    alive = ties({name: by for name, by in samples.items() if by})
    rows = [
        {
            **_described(one),
            **_score(samples[one.name], samples[alive[0]] if alive else {}),
            "winner": one == those[0],
            "tie": one.name in alive,
            "status": _status(list(results[one.name].values())),
        }
        for one in those
    ]
    frame = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    return frame.sort_values("validation_top1", ascending=False, kind="stable", ignore_index=True)


def _trainings(one: Checked, rung: Rung, make: Make) -> list[TrainJob]:
    seeds = range(rung.first_seed, rung.first_seed + rung.seeds)
    return [make(one.member.architecture, rung.epochs, seed) for seed in seeds]


def _results(one: Checked, rung: Rung, make: Make, find: Find) -> dict[int, Result | None]:
    return {job.seed: find(job) for job in _trainings(one, rung, make)}


def _described(one: Checked) -> dict[str, object]:
    point, member = one.coefficients, one.member
    return {
        "network": one.name,
        "phi": member.phi,
        "alpha": point.alpha,
        "beta": point.beta,
        "gamma": point.gamma,
        "px": member.architecture.resolution_px,
        "macs": member.cost.macs,
        "growth_target": member.growth_target,
        "growth": member.growth,
    }


def _score(own: dict[int, float], best: dict[int, float]) -> dict[str, object]:
    behind = paired_difference(best, own)
    return {
        "n": len(own),
        "validation_top1": sum(own.values()) / len(own) if own else math.nan,
        "behind_points": 100 * behind.mean,
        "low_points": 100 * behind.low,
        "high_points": 100 * behind.high,
    }


def _status(results: Sequence[Result | None]) -> str:
    failures = [result.kind for result in results if result and not isinstance(result, Finished)]
    return failures[0] if failures else "finished"
