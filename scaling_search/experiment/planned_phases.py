"""The phases of a run as trainings, before it starts: what each asks for, and what is there.

A pure function of the study and of what the ledger holds. What hangs on results to come (who goes
on, which constants win) is stood in for by a candidate in the middle of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member
from scaling_search.compare.trainings import Trainings
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.adaptive import START
from scaling_search.search.plan import Until
from scaling_search.search.search import Find, Search
from scaling_search.search.spending import added_mac_images


@dataclass(frozen=True)
class Portion:
    """So many trainings like `job` that are left; of the steps of each this `share` is new.

    The rest was done by a shorter training of the same network and seed.
    """

    job: TrainJob
    count: float = 1.0
    share: float = 1.0


@dataclass(frozen=True)
class PlannedPhase:
    """A phase: how many trainings of how many networks, how many have a result, what is left.

    At least the part `least` of what is left is trained, and no more than takes `most_seconds` of
    all workers together.
    """

    name: str
    networks: int
    trainings: int
    done: int
    left: tuple[Portion, ...]
    least: float = 1.0
    most_seconds: float = math.inf


@dataclass(frozen=True)
class PlannedComparison:
    """The networks that a comparison is planned with, and whether they are the run's own already.

    `known`: the constants are given, or a finished search has found them; else they are those of a
    candidate in the middle.
    """

    coefficients: Coefficients
    members: tuple[Member, ...]
    known: bool


def planned_phases(
    experiment: Experiment, find: Find, compared: PlannedComparison
) -> tuple[PlannedPhase, ...]:
    """The phases in their order, those of the search left out where constants are given.

    Raises UntimedError as `Experiment` does.
    """
    trainings = experiment.trainings(compared.members, find)
    searched: tuple[PlannedPhase, ...] = ()
    if experiment.study.compare.constants is None:
        search = experiment.search(find)
        searched = (*_gate(experiment, find), *_search(experiment, search, find))
    return (*searched, *_comparison(trainings))


def planned_comparison(experiment: Experiment, find: Find) -> PlannedComparison:
    """The comparison's networks as far as they are known; raises UntimedError."""
    coefficients, known = experiment.study.compare.constants, True
    if coefficients is None:
        search = experiment.search(find)
        known = search.state().done
        middle = experiment.pool[middle_candidate(experiment)].coefficients
        coefficients = experiment.constants(search).coefficients if known else middle
    return PlannedComparison(coefficients, experiment.members(coefficients), known)


def middle_candidate(experiment: Experiment) -> int:
    """The candidate of the median MACs."""
    pool = experiment.pool
    return sorted(range(len(pool)), key=lambda index: pool[index].cost.macs)[len(pool) // 2]


def _gate(experiment: Experiment, find: Find) -> Iterator[PlannedPhase]:
    jobs = [job for jobs in experiment.gate_jobs().values() for job in jobs]
    if jobs:
        yield _phase_of("gate: the base and each axis alone", jobs, find)


def _search(experiment: Experiment, search: Search, find: Find) -> Iterator[PlannedPhase]:
    if search.plan.seeds == "adaptive":
        yield _adaptive(experiment, search)
    else:
        yield from _rungs(experiment, search, find)


def _rungs(experiment: Experiment, search: Search, find: Find) -> Iterator[PlannedPhase]:
    """A phase a rung; who goes on is known of a rung that all have ended before it."""
    plan, state, middle = search.plan, search.state(), middle_candidate(experiment)
    now = len(state.rungs) - 1
    wanted = min(plan.trials or len(search.pool), len(search.pool))
    for number, rung in enumerate(plan.rungs):
        reached = state.rungs[number] if number <= now else ()
        settled = number <= now and max(number, now) > 0 and not plan.asynchronous
        wanted = len(reached) if settled or state.done else max(wanted, len(reached))
        asked = [(index, job) for index in reached for job in search.jobs(number, index)]
        left = [_step_up(search, number, *each) for each in asked if find(each[1]) is None]
        more = wanted - len(reached)
        yield PlannedPhase(
            f"search, rung {number + 1} of {len(plan.rungs)}",
            networks=wanted,
            trainings=wanted * rung.seeds,
            done=len(asked) - len(left),
            left=(*left, *_like(search, number, middle, more)),
        )
        wanted = max(1, math.ceil(rung.keep * wanted))


def _like(search: Search, number: int, index: int, networks: int) -> Iterator[Portion]:
    """The trainings at a rung of so many networks like this candidate's."""
    if networks:
        for job in search.jobs(number, index):
            yield replace(_step_up(search, number, index, job), count=networks)


def _step_up(search: Search, number: int, index: int, job: TrainJob) -> Portion:
    """A training of a rung, which goes on from the same network's of the rungs before."""
    before = [each for rung in range(number) for each in search.jobs(rung, index)]
    return Portion(job, 1.0, added_mac_images(job, before) / job.mac_images)


def _adaptive(experiment: Experiment, search: Search) -> PlannedPhase:
    """What may be spent is known, not on what: it is counted in trainings in full."""
    plan, state, middle = search.plan, search.state(), middle_candidate(experiment)
    full = _first(search, len(plan.rungs) - 1, middle)
    left = 0.0 if state.done else max(0.0, plan.until.trainings - state.spent_in_full)
    results = [result for *_, result in search.results()]
    return PlannedPhase(
        f"search, as much as {plan.until.trainings:g} trainings in full",
        networks=len(search.pool),
        trainings=len(results) + math.ceil(left),
        done=len(results),
        left=(Portion(full, left),) if left else (),
        least=_least(plan.until, _first(search, 0, middle), full, START - len(results), left),
        most_seconds=_most_seconds(plan.until, results) if left else math.inf,
    )


def _first(search: Search, number: int, index: int) -> TrainJob:
    return search.job(number, index, search.plan.rungs[number].first_seed)


def _least(until: Until, short: TrainJob, full: TrainJob, starts: int, left: float) -> float:
    """The part of what is left that is spent even if the search is sure of its answer at once."""
    sure = until.regret_points is not None or until.p_best is not None
    if not sure or not left:
        return 1.0
    return min(1.0, max(0, starts) * short.mac_images / full.mac_images / left)


def _most_seconds(until: Until, results: Iterable[Result]) -> float:
    if until.hours is None:
        return math.inf
    spent = sum(result.train_seconds for result in results if isinstance(result, Finished))
    return max(0.0, 3600 * until.hours - spent)


def _comparison(trainings: Trainings) -> Iterator[PlannedPhase]:
    first = trainings.first()
    own = trainings.at_own_rate().first()
    yield _phase_of("comparison", own, trainings.find)
    if len(trainings.rates) == 1:
        return
    hashes = {job.hash for job in own}
    others = [job for job in first if job.hash not in hashes]
    yield _phase_of("check of rates", others, trainings.find)
    # Trained already, they only read the test split; which is not known before all have ended.
    if any(trainings.find(job) is None for job in first):
        left = tuple(Portion(job, share=0.0) for job in own)
        yield PlannedPhase("test images at the best rates", _networks(own), len(own), 0, left, 0.0)
    else:
        again = [job for job in trainings.scored() if job.hash not in hashes]
        yield _phase_of("test images at the best rates", again, trainings.find, share=0.0)


def _phase_of(name: str, jobs: Iterable[TrainJob], find: Find, share: float = 1.0) -> PlannedPhase:
    asked = {job.hash: job for job in jobs}
    left = tuple(Portion(job, 1.0, share) for job in asked.values() if find(job) is None)
    return PlannedPhase(name, _networks(asked.values()), len(asked), len(asked) - len(left), left)


def _networks(jobs: Iterable[TrainJob]) -> int:
    return len({job.architecture.fingerprint for job in jobs})
