"""How much is still to come: what a progress bar needs to know beyond the jobs under way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.cost.analytic import count
from scaling_search.experiment.experiment import Experiment
from scaling_search.jobs.job import TrainJob
from scaling_search.search.search import SearchState


@dataclass(frozen=True)
class RemainingWork:
    """So many trainings, which take so many forward multiply-adds in all (MACs × images)."""

    jobs: int = 0
    mac_images: float = 0.0

    def __add__(self, other: RemainingWork) -> RemainingWork:
        return RemainingWork(self.jobs + other.jobs, self.mac_images + other.mac_images)


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


def after_state(experiment: Experiment, state: SearchState) -> RemainingWork:
    """The rest of the search after the jobs that it waits for; an estimate by numbers."""
    plan = experiment.study.search
    if plan.seeds == "adaptive":
        left = math.ceil(plan.until.trainings - state.spent_in_full) - len(state.missing)
        return _trainings(experiment, max(0, left), plan.full_epochs)
    tried = min(plan.trials or len(experiment.pool), len(experiment.pool))
    now = len(state.rungs) - 1
    rest = RemainingWork()
    for index, rung in enumerate(plan.rungs):
        proposed = len(state.rungs[0]) if index == 0 else 0
        if index > now or index == 0 == now:
            rest += _trainings(experiment, (tried - proposed) * rung.seeds, rung.epochs)
        tried = max(1, math.ceil(rung.keep * tried))
    return rest


def comparison(experiment: Experiment) -> RemainingWork:
    """The whole comparison, from the growths that it asks for."""
    plan, base = experiment.study.compare, count(experiment.base).macs
    methods = 1 + len(plan.rivals)
    growths = [1.0] + [experiment.study.budget.growth**phi for phi in plan.phis if phi] * methods
    times = plan.seeds * len(plan.check_rates)
    images = experiment.info.train_images * plan.epochs * times
    return RemainingWork(len(growths) * times, base * images * sum(growths))


def _trainings(experiment: Experiment, jobs: int, epochs: int) -> RemainingWork:
    return RemainingWork(
        jobs, jobs * experiment.typical_macs * experiment.info.train_images * epochs
    )
