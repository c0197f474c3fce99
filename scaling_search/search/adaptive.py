"""Search that spends each training where it lowers the expected regret most for what it costs.

Network, rung and seed of the next training are those of greatest knowledge gradient for each
multiply-add (`search.knowledge_gradient`). Results alone decide, whatever order they came in, so an
interrupted search goes on as it would have. The second half of what may be spent goes to trainings
in full: how far short ones order the networks as they do is known from few of them.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count as numbers

import numpy as np

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.curve_kernel import Level
from scaling_search.search.knowledge_gradient import Allocation, Option, Waiting, most_valuable
from scaling_search.search.measurement import SeedGroup, rows_of
from scaling_search.search.posterior import posterior
from scaling_search.search.search import Search, SearchState
from scaling_search.search.shares import spread
from scaling_search.search.spending import added_mac_images, spent_mac_images

START = 6
"""Candidates that are trained before anything is learnt from them, spread over the simplex."""


@dataclass(frozen=True)
class _Trainings:
    """A candidate's trainings at one rung: those that ended, those under way, and what follows."""

    ended: tuple[tuple[TrainJob, Result], ...]
    under_way: tuple[TrainJob, ...]
    following: TrainJob

    @property
    def failed(self) -> bool:
        return not all(isinstance(result, Finished) for _, result in self.ended)


_Seen = dict[tuple[int, int], _Trainings]
"""By rung and candidate."""


@dataclass(frozen=True, eq=False)
class AdaptiveSearch(Search):
    """Network, rung and seed of each training are chosen by all results so far.

    `allocation` chooses; others than the knowledge gradient are there to compare it with.
    """

    allocation: Allocation = most_valuable

    def state(self) -> SearchState:
        """The candidates with trainings at each rung, and the training that would come next."""
        following, spent = self.next_job(()), self._spent(self._look(()))
        return SearchState(self.reached(), () if following is None else (following,), spent)

    def reached(self) -> tuple[tuple[int, ...], ...]:
        """The candidates with trainings at each rung."""
        seen, every = self._look(()), range(len(self.pool))
        rungs = range(len(self.plan.rungs))
        return tuple(tuple(i for i in every if seen[rung, i].ended) for rung in rungs)

    def jobs(self, rung: int, index: int) -> list[TrainJob]:
        """Those that have ended."""
        return [job for job, _ in self._trainings(rung, index, ()).ended]

    def next_job(self, begun: Container[str]) -> TrainJob | None:
        """The training that is worth most beside those begun; None once it is enough."""
        seen = self._look(begun)
        out = {index for (_, index), trainings in seen.items() if trainings.failed}
        for index in self._start:
            first = seen[0, index]
            if index not in out and not first.ended and not first.under_way:
                return first.following
        alive = [index for index in range(len(self.pool)) if index not in out]
        groups = self._groups(seen, alive)
        spent = self._spent(seen)
        if not groups or spent >= self.plan.until.trainings or self._sure(seen, groups, alive):
            return None
        return self._most_valuable(seen, groups, alive, spent < self.plan.until.trainings / 2)

    def _spent(self, seen: _Seen) -> float:
        """What has been spent, in trainings in full; short ones count for half of it at most.

        A ledger may hold more of them than this plan would have paid for, and is no reason to
        train nothing in full.
        """
        every = [(rung, job) for (rung, _), t in seen.items() for job, _ in t.ended]
        levels = [self.plan.level(rung) for rung in self.plan.rungs]
        in_full = spent_mac_images(job for rung, job in every if levels[rung] == Level())
        short = spent_mac_images(job for _, job in every) - in_full
        return in_full / self._in_full + min(short / self._in_full, self.plan.until.trainings / 2)

    @cached_property
    def _start(self) -> list[int]:
        return spread([candidate.shares for candidate in self.pool], START)

    def _look(self, begun: Container[str]) -> _Seen:
        rungs, every = range(len(self.plan.rungs)), range(len(self.pool))
        return {(rung, i): self._trainings(rung, i, begun) for rung in rungs for i in every}

    def _trainings(self, rung: int, index: int, begun: Container[str]) -> _Trainings:
        """Seeds are taken in order, so what has ended or begun is found without a list of it."""
        ended, under_way = [], []
        for seed in numbers(self.plan.rungs[rung].first_seed):
            job = self.job(rung, index, seed)
            result = self.find(job)
            if result is not None:
                ended.append((job, result))
            elif job.hash in begun:
                under_way.append(job)
            else:
                return _Trainings(tuple(ended), tuple(under_way), job)
        raise AssertionError

    def _groups(self, seen: _Seen, alive: Sequence[int]) -> list[SeedGroup]:
        """The finished trainings, candidates numbered as in `alive`."""
        row = {index: position for position, index in enumerate(alive)}
        return [
            SeedGroup(
                row[index],
                self.plan.level(self.plan.rungs[rung]),
                {j.seed: r.validation for j, r in trainings.ended if isinstance(r, Finished)},
            )
            for (rung, index), trainings in seen.items()
            if index in row and trainings.ended
        ]

    def _sure(self, seen: _Seen, groups: Sequence[SeedGroup], alive: Sequence[int]) -> bool:
        """Whether one of the plan's other reasons to stop holds."""
        until, ended = self.plan.until, [r for each in seen.values() for _, r in each.ended]
        seconds = sum(result.train_seconds for result in ended if isinstance(result, Finished))
        if until.hours is not None and seconds >= 3600 * until.hours:
            return True
        if until.regret_points is None and until.p_best is None:
            return False
        estimate = posterior(self._shares(alive), rows_of(groups), self.plan.seed)
        winner = int(estimate.mean.argmax())
        regret, sure = (
            estimate.expected_regret(winner),
            estimate.p_within(winner, until.within_points),
        )
        return (until.regret_points is not None and regret <= until.regret_points) or (
            until.p_best is not None and sure >= until.p_best
        )

    @cached_property
    def _in_full(self) -> int:
        """What the median candidate's training at the last rung costs."""
        last = len(self.plan.rungs) - 1
        costs = sorted(self.job(last, index, 0).mac_images for index in range(len(self.pool)))
        return costs[len(costs) // 2]

    def _shares(self, alive: Sequence[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.array([self.pool[index].shares for index in alive])

    def _most_valuable(
        self, seen: _Seen, groups: Sequence[SeedGroup], alive: Sequence[int], short_ones: bool
    ) -> TrainJob:
        done = [job for trainings in seen.values() for job, _ in trainings.ended]
        jobs: list[TrainJob] = []
        options, waiting = [], []
        for rung, rung_plan in enumerate(self.plan.rungs):
            level = self.plan.level(rung_plan)
            if level != Level() and not short_ones:
                continue
            for row, index in enumerate(alive):
                trainings = seen[rung, index]
                jobs.append(trainings.following)
                options.append(Option(row, level, added_mac_images(trainings.following, done)))
                waiting += [Waiting(row, level, job.seed) for job in trainings.under_way]
        chosen = self.allocation(self._shares(alive), rows_of(groups), waiting, options)
        return jobs[chosen]
