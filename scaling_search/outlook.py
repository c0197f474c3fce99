"""How much is still to come: what a progress bar needs to know beyond the jobs under way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.cost.analytic import count
from scaling_search.jobs.job import TrainJob
from scaling_search.search.search import SearchState
from scaling_search.setting import Setting


@dataclass(frozen=True)
class Work:
    """So many trainings, which take so many forward multiply-adds in all (MACs × images)."""

    jobs: int = 0
    mac_images: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.jobs + other.jobs, self.mac_images + other.mac_images)


def work_of(jobs: Sequence[TrainJob]) -> Work:
    """The work of known jobs."""
    return Work(len(jobs), sum(job.mac_images for job in jobs))


def after_state(setting: Setting, state: SearchState) -> Work:
    """The rest of the search after the jobs that it waits for; an estimate by numbers."""
    plan = setting.study.search
    if plan.seeds == "adaptive":
        left = math.ceil(plan.until.trainings - state.spent_in_full) - len(state.missing)
        return _trainings(setting, max(0, left), plan.full_epochs)
    tried = min(plan.trials or len(setting.pool), len(setting.pool))
    now = len(state.rungs) - 1
    rest = Work()
    for index, rung in enumerate(plan.rungs):
        proposed = len(state.rungs[0]) if index == 0 else 0
        if index > now or index == 0 == now:
            rest += _trainings(setting, (tried - proposed) * rung.seeds, rung.epochs)
        tried = max(1, math.ceil(rung.keep * tried))
    return rest


def comparison(setting: Setting) -> Work:
    """The whole comparison, from the growths that it asks for."""
    plan, base = setting.study.compare, count(setting.base).macs
    methods = 1 + len(plan.rivals)
    growths = [1.0] + [setting.study.budget.growth**phi for phi in plan.phis if phi] * methods
    times = plan.seeds * len(plan.check_rates)
    images = setting.info.train_images * plan.epochs * times
    return Work(len(growths) * times, base * images * sum(growths))


def _trainings(setting: Setting, jobs: int, epochs: int) -> Work:
    return Work(jobs, jobs * setting.typical_macs * setting.info.train_images * epochs)
