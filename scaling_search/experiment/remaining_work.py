"""How much is still to come: of what trainings, and how many of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.search.search import Search, SearchState


@dataclass(frozen=True)
class RemainingWork:
    """So many trainings, which take so many forward multiply-adds in all (MACs × images)."""

    jobs: int = 0
    mac_images: float = 0.0

    def __add__(self, other: RemainingWork) -> RemainingWork:
        return RemainingWork(self.jobs + other.jobs, self.mac_images + other.mac_images)


@dataclass(frozen=True)
class Portion:
    """So many trainings like `job` that are left; of the steps of each this `share` is new.

    The rest was done by a shorter training of the same network and seed.
    """

    job: TrainJob
    count: float = 1.0
    share: float = 1.0


def trainings_left(count: int) -> str:
    """So many are left, in words.

    Examples:
        >>> from scaling_search.experiment.remaining_work import trainings_left
        >>> trainings_left(1)
        '1 training left'
    """
    return f"{count} {'training' if count == 1 else 'trainings'} left"


def work_of(jobs: Sequence[TrainJob]) -> RemainingWork:
    """The work of known jobs.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.experiment.remaining_work import work_of
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 3600)
        >>> job = TrainJob(nano, *images, Recipe(), epochs=8, seed=0)
        >>> work_of([job, job]).mac_images == 2 * job.mac_images
        True
    """
    return RemainingWork(len(jobs), sum(job.mac_images for job in jobs))


def work_in(portions: Iterable[Portion]) -> RemainingWork:
    """The work of portions; whose steps are all done already is none."""
    left = [portion for portion in portions if portion.share]
    trainings = math.ceil(sum(portion.count for portion in left))
    return RemainingWork(trainings, sum(p.count * p.job.mac_images for p in left))


@dataclass(frozen=True)
class RungProspect:
    """How many candidates have reached a rung, and how many are expected to in all."""

    reached: int
    expected: int


def rung_prospects(search: Search, state: SearchState) -> Iterator[RungProspect]:
    """Of each rung of a search whose seeds are fixed.

    Who goes on is known of a rung that all have ended before it.
    """
    plan, now = search.plan, len(state.rungs) - 1
    expected = min(plan.trials or len(search.pool), len(search.pool))
    for number, rung in enumerate(plan.rungs):
        reached = len(state.rungs[number]) if number <= now else 0
        settled = number <= now and max(number, now) > 0 and not plan.asynchronous
        expected = reached if settled or state.done else max(expected, reached)
        yield RungProspect(reached, expected)
        expected = max(1, math.ceil(rung.keep * expected))


def stand_ins(
    experiment: Experiment, search: Search, number: int, prospect: RungProspect
) -> Iterator[Portion]:
    """The trainings of a rung by candidates that are not known yet: the one in the middle's."""
    rung, networks = search.plan.rungs[number], prospect.expected - prospect.reached
    for seed in range(rung.seeds) if networks > 0 else ():
        job = search.job(number, experiment.middle_index, rung.first_seed + seed)
        yield Portion(job, networks)


def search_to_come(experiment: Experiment, search: Search, state: SearchState) -> Iterator[Portion]:
    """What a search is expected to ask for after the trainings that it waits for."""
    plan = search.plan
    if plan.seeds != "adaptive":
        for number, prospect in enumerate(rung_prospects(search, state)):
            yield from stand_ins(experiment, search, number, prospect)
    elif not state.done:
        last = len(plan.rungs) - 1
        full = search.job(last, experiment.middle_index, plan.rungs[last].first_seed)
        left = plan.until.trainings - state.spent_in_full - len(state.missing)
        yield Portion(full, max(0.0, left))
