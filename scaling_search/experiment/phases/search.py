"""The search: candidates at its rungs, or as many trainings as it may spend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from scaling_search.experiment.phases.phase import Later, Phase, PlannedPhase, Run
from scaling_search.experiment.remaining_work import Portion, rung_prospects, stand_ins
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.time_limit import may_conclude
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.adaptive import START
from scaling_search.search.plan import Until
from scaling_search.search.resources import UntimedError
from scaling_search.search.search import Search
from scaling_search.search.spending import added_mac_images


class SearchPhase(Phase):
    """Find the constants."""

    is_search = True

    def jobs(self, state: RunState) -> Iterator[TrainJob]:
        """Those that have ended, and those that it waits for."""
        for _, _, job, _ in state.search.results():
            yield job
        yield from state.search.state().missing

    def planned(self, state: RunState) -> Iterator[PlannedPhase]:
        """A phase a rung, or one where seeds are adaptive."""
        if state.search.plan.seeds == "adaptive":
            yield _adaptive(state)
        else:
            yield from _rungs(state)

    def unfinished(self, state: RunState) -> Iterator[str]:
        """That it goes on, and how many candidates it has tried."""
        done, tried = False, 0
        with suppress(UntimedError):
            search = state.search
            done = search.state().done
            candidates = set().union(*search.reached())
            tried = sum(any(map(state.find, search.jobs(0, index))) for index in candidates)
        if not done:
            yield f"the rest of the search ({tried} candidates tried so far)"

    def advance(self, run: Run, later: Later) -> Run:
        """Search, and conclude where that may be done."""
        runner = run.runner
        search = runner.search(partial(later.work, runner), later.seconds(runner))
        run.note_limit()
        concluded = may_conclude(search, run.out)
        constants = runner.experiment.constants(search) if concluded else None
        return replace(run, search=search, constants=constants)


def _rungs(state: RunState) -> Iterator[PlannedPhase]:
    search, now = state.search, state.search.state()
    for number, prospect in enumerate(rung_prospects(search, now)):
        rung = search.plan.rungs[number]
        reached = now.rungs[number] if prospect.reached else ()
        trainings = [(index, job) for index in reached for job in search.jobs(number, index)]
        left = [
            _step_up(search, number, *each) for each in trainings if state.find(each[1]) is None
        ]
        more = stand_ins(state.experiment, search, number, prospect)
        yield PlannedPhase(
            f"search, rung {number + 1} of {len(search.plan.rungs)}",
            networks=prospect.expected,
            trainings=prospect.expected * rung.seeds,
            done=len(trainings) - len(left),
            left=(*left, *(_stand_in(state, number, portion) for portion in more)),
        )


def _stand_in(state: RunState, number: int, portion: Portion) -> Portion:
    """Trainings of the candidate in the middle, which go on from those of the rungs before."""
    stepped = _step_up(state.search, number, state.experiment.middle_index, portion.job)
    return replace(stepped, count=portion.count)


def _step_up(search: Search, number: int, index: int, job: TrainJob) -> Portion:
    """A training of a rung, which goes on from the same network's of the rungs before."""
    before = [each for rung in range(number) for each in search.jobs(rung, index)]
    return Portion(job, 1.0, added_mac_images(job, before) / job.mac_images)


def _adaptive(state: RunState) -> PlannedPhase:
    """What may be spent is known, not on what: it is counted in trainings in full."""
    search, middle = state.search, state.experiment.middle_index
    plan, now = search.plan, search.state()
    full = _first(search, len(plan.rungs) - 1, middle)
    left = 0.0 if now.done else max(0.0, plan.until.trainings - now.spent_in_full)
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
