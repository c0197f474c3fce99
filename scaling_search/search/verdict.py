"""What the evidence of a search says of its candidates: who is best, and who could be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scaling_search.jobs.job import Finished
from scaling_search.search.candidates import Candidate
from scaling_search.search.evidence import Seen
from scaling_search.search.halving import Find, Make, Plan, Step, trainings
from scaling_search.search.surface import posterior

CERTAINTY = 0.95
# A larger pool than this is judged by its tried candidates alone.
JUDGED_UNTRIED = 1000


@dataclass(frozen=True)
class Judgement:
    """Who is best by all trainings of a search.

    `ties` begins with the winner, the best of the finalists; the others are the fewest candidates,
    tried or not, of which one is the best with a probability of 95 % (winner included). `chances`
    is each judged candidate's probability of being the best of all when trained in full.
    """

    ties: tuple[str, ...]
    chances: Mapping[str, float]


def verdict(
    plan: Plan, pool: Sequence[Candidate], step: Step, make: Make, find: Find
) -> Judgement | None:
    """The verdict on a finished search; None when every finalist failed.

    It rests on the surface over all rungs (`search.surface`): a candidate that was dropped early,
    or never tried, is out only if its neighbours say so. A candidate with a failed training is out.
    """
    seen, failed = _seen(plan, pool, step, make, find)
    full = plan.rungs[-1].epochs
    final = [
        one.candidate for one in seen if one.epochs == full and one.candidate in step.rungs[-1]
    ]
    final = [index for index in final if index not in failed]
    if not final:
        return None
    untried = range(len(pool)) if len(pool) <= JUDGED_UNTRIED else step.rungs[0]
    judged = [index for index in untried if index not in failed]
    place = {index: row for row, index in enumerate(judged)}
    evidence = [
        Seen(place[one.candidate], one.epochs, one.top1_points)
        for one in seen
        if one.candidate in place
    ]
    after = posterior(np.array([pool[i].shares for i in judged]), full, evidence)
    chances = after.p_best(plan.seed)
    winner = max(final, key=lambda index: float(after.mean[place[index]]))
    tied = _fewest([float(chance) for chance in chances], place[winner])
    names = [pool[index].name for index in judged]
    return Judgement(
        tuple(names[row] for row in tied), dict(zip(names, chances.tolist(), strict=True))
    )


def _fewest(chances: Sequence[float], winner: int) -> list[int]:
    """The winner, and the most probable others until one of them is the best with CERTAINTY."""
    held, tied = chances[winner], [winner]
    for row in sorted(range(len(chances)), key=lambda row: -chances[row]):
        if held >= CERTAINTY:
            break
        if row != winner:
            tied.append(row)
            held += chances[row]
    return tied


def _seen(
    plan: Plan, pool: Sequence[Candidate], step: Step, make: Make, find: Find
) -> tuple[list[Seen], set[int]]:
    """All finished trainings by candidate and length, and the candidates of which one failed."""
    found: dict[tuple[int, int], dict[int, float]] = {}
    failed = set()
    for rung, reached in zip(plan.rungs, step.rungs, strict=False):
        for index in reached:
            for job in trainings(rung, pool[index], make):
                result = find(job)
                if isinstance(result, Finished):
                    points = found.setdefault((index, job.epochs), {})
                    points[job.seed] = 100 * result.validation_top1
                elif result is not None:
                    failed.add(index)
    return [Seen(index, epochs, points) for (index, epochs), points in found.items()], failed
