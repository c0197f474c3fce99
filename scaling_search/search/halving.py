"""Search by successive halving: proposals, and rungs on which the better part goes on."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.pareto import front_ranks
from scaling_search.search.search import Search, SearchState
from scaling_search.search.strategies import INDEPENDENT, STRATEGIES, Observation


@dataclass(frozen=True, eq=False)
class HalvingSearch(Search):
    """A strategy proposes, each candidate is trained from the seeds of its rung."""

    _asked: dict[int, tuple[int, ...]] = field(default_factory=dict, repr=False)
    _scores: dict[tuple[int, int], float] = field(default_factory=dict, repr=False)
    _settled: list[tuple[Observation, int]] = field(default_factory=list, repr=False)

    def state(self) -> SearchState:
        """How far the results reach, and which trainings come next; longest rungs first."""
        first, missing = self._propose()
        reached, all_in = [first], not missing
        for rung in range(len(self.plan.rungs) - 1):
            if missing and not self.plan.asynchronous:
                break
            chosen = self._going_on(rung, reached[-1], all_in)
            reached.append(chosen)
            lacking = [job for index in chosen for job in self._lacking(rung + 1, index)]
            missing, all_in = lacking + missing, all_in and not lacking
        return SearchState(tuple(tuple(rung) for rung in reached), tuple(missing))

    def reached(self) -> tuple[tuple[int, ...], ...]:
        """The candidates of each rung so far."""
        return self.state().rungs

    def next_job(self, begun: Container[str]) -> TrainJob | None:
        """The longest that waits, so that no core waits for it at the end of a rung."""
        waiting = [job for job in self.state().missing if job.hash not in begun]
        return max(waiting, key=lambda job: job.mac_images, default=None)

    def jobs(self, rung: int, index: int) -> list[TrainJob]:
        """One a seed of the rung."""
        rung_plan = self.plan.rungs[rung]
        seeds = range(rung_plan.first_seed, rung_plan.first_seed + rung_plan.seeds)
        return [self.job(rung, index, seed) for seed in seeds]

    def score(self, rung: int, index: int) -> float | None:
        """How a candidate did at a rung: its mean loss, negated.

        -inf: a training failed, None: one is missing. The validation loss tells networks apart as
        two to three times as many seeds of top-1 do.
        """
        key = (rung, index)
        if key not in self._scores:
            mean = _mean([self.find(job) for job in self.jobs(rung, index)])
            if mean is None:
                return None
            self._scores[key] = mean  # a result never changes
        return self._scores[key]

    def _lacking(self, rung: int, index: int) -> list[TrainJob]:
        if self.score(rung, index) is not None:
            return []
        return [job for job in self.jobs(rung, index) if self.find(job) is None]

    def _going_on(self, rung: int, tried: Sequence[int], all_in: bool) -> list[int]:
        """Who goes on from a rung, best first: the better part of it, and who went on before."""
        scores = {i: s for i in tried if (s := self.score(rung, i)) is not None}
        keep = self.plan.rungs[rung].keep
        # The better part of a rung that still grows is rounded down: more may come (ASHA).
        share = max(1, math.ceil(keep * len(tried))) if all_in else int(keep * len(scores))
        better = self._ranked(scores)[:share]
        if not self.plan.asynchronous:
            return better
        chosen = set(better)
        remaining = (i for i in tried if i not in chosen)
        return better + [i for i in remaining if any(map(self.find, self.jobs(rung + 1, i)))]

    def _ranked(self, scores: Mapping[int, float]) -> list[int]:
        """Those that did not fail, the best first."""
        alive = sorted((i for i in scores if math.isfinite(scores[i])), key=lambda i: -scores[i])
        if self.plan.second is None:
            return alive
        beaten = front_ranks([(scores[i], self._cost(i) or 0.0) for i in alive])
        return [i for _, i in sorted(zip(beaten, alive, strict=True), key=lambda pair: pair[0])]

    def _cost(self, index: int) -> float | None:
        return None if self.plan.second is None or not self.costs else self.costs[index]

    def _propose(self) -> tuple[list[int], list[TrainJob]]:
        """Replay the proposals; stop at the batch that lacks a result.

        Batches that lack none are settled: each proposal with what stands for all up to it.
        """
        trials = min(self.plan.trials or len(self.pool), len(self.pool))
        batch = trials if self.plan.strategy in INDEPENDENT else self.plan.batch
        observations = [observation for observation, _ in self._settled]
        missing: list[TrainJob] = []
        past = self._settled[-1][1] if self._settled else 0
        while len(observations) < trials and not missing:
            latest = []
            for index in self._ask(observations, past, min(batch, trials - len(observations))):
                observations.append(Observation(index, self.score(0, index), self._cost(index)))
                past = hash((past, observations[-1]))
                latest.append((observations[-1], past))
                missing += self._lacking(0, index)
            self._settled.extend([] if missing else latest)
        return [observation.index for observation in observations], missing

    def _ask(self, observations: Sequence[Observation], past: int, number: int) -> tuple[int, ...]:
        """The next proposals; `past` stands for all that was told."""
        if past not in self._asked:
            pending: list[Observation] = []
            for _ in range(number):
                strategy = STRATEGIES[self.plan.strategy]
                pending.append(
                    Observation(
                        strategy(self.pool, [*observations, *pending], self.plan.seed), None
                    )
                )
            self._asked[past] = tuple(observation.index for observation in pending)
        return self._asked[past]


def _mean(results: Sequence[Result | None]) -> float | None:
    """The mean of the losses, negated."""
    if any(result is None for result in results):
        return None
    if not all(isinstance(result, Finished) for result in results):
        return -math.inf
    losses = [r.validation.loss for r in results if isinstance(r, Finished)]
    return -sum(losses) / len(losses)
