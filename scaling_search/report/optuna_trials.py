"""What a search tried, as trials of Optuna: one a candidate, for its dashboard and its plots.

Optuna is never the store of a search; these trials are made from the ledger and read by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from scaling_search.core.stats import mean_interval
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Finished, Result
from scaling_search.search.candidates import Candidate
from scaling_search.search.constants import Constants
from scaling_search.search.search import Search
from scaling_search.search.space import Axis, Budget, Space

AcceptedAt = Callable[[TrainJob], datetime | None]
"""When the ledger accepted a job's result, with its time zone; None while it is missing."""

# Far finer than any tolerance, and coarser than what binary fractions leave over: a candidate on
# the very edge of the budget is not to be called infeasible.
CONSTRAINT_DIGITS = 6


@dataclass(frozen=True)
class SearchExport:
    """A search and what it was for; `constants` is None while it has no answer."""

    search: Search
    budget: Budget
    space: Space
    constants: Constants | None
    accepted_at: AcceptedAt


@dataclass(frozen=True)
class _TriedCandidate:
    """A candidate, the number of the highest rung it reached, and its trainings so far.

    `cost` is its second objective, if the search has one.
    """

    candidate: Candidate
    cost: float | None
    rung: int
    jobs: tuple[tuple[TrainJob, ...], ...]
    results: tuple[tuple[Result | None, ...], ...]

    @property
    def scores(self) -> list[float]:
        """Validation top-1 of each training of the highest rung that finished."""
        return [r.validation_top1 for r in self.results[-1] if isinstance(r, Finished)]

    @property
    def failures(self) -> list[Result]:
        """The results of the highest rung that are failures."""
        return [r for r in self.results[-1] if r is not None and not isinstance(r, Finished)]


def optuna_trials(searched: SearchExport) -> tuple[FrozenTrial, ...]:
    """One trial a candidate that was tried, in the order of the proposals.

    Parameters are the grid point; the value is the mean validation top-1 (a fraction) at the
    highest rung reached, intermediate values the same by epoch; a second value is the second
    objective, where the search has one. COMPLETE trials reached the last
    rung, PRUNED ones were not promoted, FAIL ones did not train to the end, RUNNING ones the search
    is not done with: those have no value yet. The attribute `best` marks the search's own verdict,
    which weighs all trainings and need not be the trial with the highest value.
    """
    first = searched.search.reached()[0]
    return tuple(_trial(searched, _tried_candidate(searched, index)) for index in first)


def _tried_candidate(searched: SearchExport, index: int) -> _TriedCandidate:
    search, rungs = searched.search, searched.search.reached()
    reached = max(number for number, tried in enumerate(rungs) if index in tried)
    jobs = tuple(tuple(search.jobs(rung, index)) for rung in range(reached + 1))
    results = tuple(tuple(map(search.find, rung_jobs)) for rung_jobs in jobs)
    cost = None if search.costs is None else search.costs[index]
    return _TriedCandidate(search.pool[index], cost, reached, jobs, results)


def _trial(searched: SearchExport, tried: _TriedCandidate) -> FrozenTrial:
    state, point = _state(searched, tried), tried.candidate.coefficients
    judged = state in (TrialState.COMPLETE, TrialState.PRUNED)
    trial = create_trial(
        state=state,
        values=_values(tried) if judged else None,
        params={"alpha": point.alpha, "beta": point.beta, "gamma": point.gamma},
        distributions=_distributions(searched.space),
        user_attrs=_attributes(searched, tried),
        intermediate_values=_curve(tried),
        constraints=_constraint(searched.budget, tried.candidate),
    )
    return _dated(trial, searched.accepted_at, tried)


def _values(tried: _TriedCandidate) -> list[float]:
    return [fmean(tried.scores), *([] if tried.cost is None else [tried.cost])]


def _state(searched: SearchExport, tried: _TriedCandidate) -> TrialState:
    if tried.failures:
        return TrialState.FAIL
    if None in tried.results[-1]:
        return TrialState.RUNNING
    plan, state = searched.search.plan, searched.search.state()
    if tried.rung == len(plan.rungs) - 1:
        return TrialState.COMPLETE
    # Asynchronous halving may still promote whoever waits, until nothing is missing.
    asynchronous = plan.asynchronous or plan.seeds == "adaptive"
    chosen = tried.rung + 1 < len(state.rungs) and not asynchronous
    return TrialState.PRUNED if chosen or state.done else TrialState.RUNNING


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: _distribution(getattr(space, name)) for name in ("alpha", "beta", "gamma")}


def _distribution(axis: Axis) -> FloatDistribution:
    """The grid's values; Optuna wants the end to be one of them."""
    return FloatDistribution(axis.low, axis.values()[-1], step=axis.step)


def _curve(tried: _TriedCandidate) -> dict[int, float]:
    """Mean validation top-1 by epoch; where a longer rung trained an epoch again, it counts."""
    curve: dict[int, float] = {}
    for results in tried.results:
        histories = [r.history for r in results if isinstance(r, Finished)]
        for records in zip(*histories, strict=True):
            curve[records[0].epoch] = fmean(record.validation_top1 for record in records)
    return curve


def _constraint(budget: Budget, candidate: Candidate) -> dict[str, float]:
    """How far the growth lies outside its tolerance; zero or less is within the budget."""
    if budget.constraint == "nominal":
        off = abs(candidate.coefficients.nominal_growth - budget.growth)
        return {"nominal growth": round(off - budget.tolerance, CONSTRAINT_DIGITS)}
    off = abs(candidate.growth / budget.growth - 1)
    return {f"growth in {budget.resource}": round(off - budget.tolerance, CONSTRAINT_DIGITS)}


def _attributes(searched: SearchExport, tried: _TriedCandidate) -> dict[str, Any]:
    candidate, cost = tried.candidate, tried.candidate.cost
    return {
        "network": candidate.name,
        **{"macs": cost.macs, "params": cost.params, "activations": cost.activations},
        "px": candidate.architecture.resolution_px,
        **{"growth": candidate.growth, "nominal_growth": candidate.coefficients.nominal_growth},
        # The dashboard shows attributes; it does not list Optuna's constraints by name.
        **{f"constraint: {k}": v for k, v in _constraint(searched.budget, candidate).items()},
        **{f"{axis}_interval": getattr(candidate, axis) for axis in ("alpha", "beta", "gamma")},
        **{"rung": tried.rung, "epochs": searched.search.plan.rungs[tried.rung].epochs},
        **_evidence(tried),
        **_verdict(searched.constants, candidate),
        "jobs": [job.hash for jobs in tried.jobs for job in jobs],
    }


def _evidence(tried: _TriedCandidate) -> Mapping[str, Any]:
    """How many seeds finished, the 95 % interval of their mean, and what failed."""
    attributes: dict[str, Any] = {"seeds": len(tried.scores)}
    if len(tried.scores) > 1:
        interval = mean_interval(tried.scores)
        attributes["interval"] = [interval.low, interval.high]
    if tried.failures:
        attributes["failures"] = [failure.kind for failure in tried.failures]
    return attributes


def _verdict(constants: Constants | None, candidate: Candidate) -> Mapping[str, bool]:
    if constants is None:
        return {}
    name = candidate.name
    return {"tie": name in constants.ties, "best": name == constants.ties[0]}


def _dated(trial: FrozenTrial, accepted_at: AcceptedAt, tried: _TriedCandidate) -> FrozenTrial:
    """The trial at the times of its trainings, as far as the ledger knows them."""
    ends = [
        (at, result.train_seconds if isinstance(result, Finished) else 0.0)
        for jobs, results in zip(tried.jobs, tried.results, strict=True)
        for job, result in zip(jobs, results, strict=True)
        if (at := accepted_at(job)) is not None
    ]
    if ends:
        trial.datetime_start = _local(min(at - timedelta(seconds=spent) for at, spent in ends))
        if trial.state.is_finished():
            trial.datetime_complete = _local(max(at for at, _ in ends))
    return trial


def _local(at: datetime) -> datetime:
    """As Optuna keeps times: this machine's own, without a zone."""
    return at.astimezone().replace(tzinfo=None)
