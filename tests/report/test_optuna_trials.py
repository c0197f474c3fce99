"""What a search tried as Optuna's trials: states, values and constraints, by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import TrainJob, job_for
from scaling_search.jobs.result import Diverged, Finished, Result
from scaling_search.report.optuna_trials import SearchExport, optuna_trials
from scaling_search.search.candidates import candidates
from scaling_search.search.halving import HalvingSearch
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.search import SearchState
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe
from tests.answers import answer
from tests.trainings import finished as finished_in

BUDGET, SPACE = Budget(tolerance=0.2), Space(Axis(1, 2, 0.3), Axis(1, 1.5, 0.1), Axis(1, 1.5, 0.1))
POOL = candidates(zoo.get("micro"), BUDGET, SPACE)
INFO = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)
PLAN = SearchPlan("grid", trials=4, rungs=(Rung(1), Rung(2, seeds=2)))
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def make(network: Network, epochs: int, seed: int, phi: float = 1.0) -> TrainJob:
    return job_for(network, (DataRequest(), INFO), Recipe(), epochs=epochs, seed=seed)


def job(index: int, epochs: int, seed: int) -> TrainJob:
    return make(POOL[index].architecture, epochs, seed)


@dataclass(frozen=True, eq=False)
class Known(HalvingSearch):
    """A search of which it is known where it stands."""

    at: SearchState = field(default_factory=lambda: SearchState((), ()))

    def state(self) -> SearchState:
        return self.at


def finished(*top1: float) -> Finished:
    return finished_in(*top1, seconds=60 / len(top1))


def searched(
    rungs: tuple[tuple[int, ...], ...],
    results: dict[tuple[int, int, int], Result],
    plan: SearchPlan,
) -> SearchExport:
    """A search at these rungs, with the results of (candidate, epochs, seed)."""
    by_hash = {job(i, e, s).hash: result for (i, e, s), result in results.items()}
    requested = [
        job(i, plan.rungs[number].epochs, seed)
        for number, tried in enumerate(rungs)
        for i in tried
        for seed in range(plan.rungs[number].seeds)
    ]
    lacking = tuple(job for job in requested if job.hash not in by_hash)
    state = SearchState(rungs, lacking)
    return SearchExport(
        search=Known(plan, POOL, make, lambda job: by_hash.get(job.hash), at=state),
        budget=BUDGET,
        space=SPACE,
        constants=None,
        accepted_at=lambda job: NOON + timedelta(hours=job.epochs) if job.hash in by_hash else None,
    )


ENDED: dict[tuple[int, int, int], Result] = {
    (0, 1, 0): finished(0.3),
    (1, 1, 0): finished(0.5),
    (2, 1, 0): Diverged("nan"),
    (3, 1, 0): finished(0.6),
    (1, 2, 0): finished(0.4, 0.7),
    (1, 2, 1): finished(0.6, 0.8),
    (3, 2, 0): finished(0.5, 0.9),
    (3, 2, 1): Diverged("nan"),
}
RUNGS = ((0, 1, 2, 3), (3, 1))


def ended() -> tuple[FrozenTrial, ...]:
    return optuna_trials(searched(RUNGS, ENDED, PLAN))


def test_a_finalist_is_complete_a_loser_pruned_and_a_failure_failed() -> None:
    assert [trial.state for trial in ended()] == [
        *(TrialState.PRUNED, TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL)
    ]


def test_the_value_is_the_mean_of_the_highest_rung_and_a_failure_has_none() -> None:
    loser, finalist, failed, half = ended()
    assert loser.value == 0.3
    assert finalist.value == pytest.approx(0.75)
    assert (failed.value, half.value) == (None, None)
    assert half.user_attrs["failures"] == ["diverged"]
    assert half.user_attrs["seeds"] == 1


def test_a_second_objective_is_a_second_value() -> None:
    costs = [float(candidate.cost.activations) for candidate in POOL]
    there = searched(((0, 1, 2, 3), (1, 3)), ENDED, PLAN)
    weighed = replace(there, search=replace(there.search, costs=costs))
    loser, finalist, failed, _ = optuna_trials(weighed)
    assert loser.values == [0.3, costs[0]]
    assert finalist.values == [pytest.approx(0.75), costs[1]]
    assert failed.values is None


def test_the_curve_has_an_epoch_once_as_the_longest_training_saw_it() -> None:
    loser, finalist, failed, half = ended()
    assert loser.intermediate_values == {1: 0.3}
    assert finalist.intermediate_values == {1: 0.5, 2: pytest.approx(0.75)}
    assert failed.intermediate_values == {}
    assert half.intermediate_values == {1: 0.5, 2: 0.9}


def test_parameters_are_the_grid_point_on_the_grid_of_the_space() -> None:
    for trial, candidate in zip(ended(), POOL, strict=False):
        point = candidate.coefficients
        assert trial.params == {"alpha": point.alpha, "beta": point.beta, "gamma": point.gamma}
        # 2 is no step of 0.3 from 1: the grid ends at 1.9.
        grid = trial.distributions["alpha"]
        assert isinstance(grid, FloatDistribution)
        assert grid.high == 1.9


def test_attributes_say_what_the_network_costs_and_which_trainings_were_its() -> None:
    finalist, candidate = ended()[1], POOL[1]
    said = finalist.user_attrs
    assert said["network"] == candidate.name
    assert (said["macs"], said["params"], said["px"]) == (
        *(candidate.cost.macs, candidate.cost.params, candidate.architecture.resolution_px),
    )
    assert said["nominal_growth"] == candidate.coefficients.nominal_growth
    assert (said["rung"], said["epochs"], said["seeds"]) == (1, 2, 2)
    # Two values 0.1 apart: their mean ± t(1) · sd / √2 = 12.7062 · 0.05.
    assert said["interval"] == pytest.approx([0.75 - 0.63531, 0.75 + 0.63531], abs=1e-5)
    requested = [(1, 0), (2, 0), (2, 1)]
    assert said["jobs"] == [job(1, epochs, seed).hash for epochs, seed in requested]


def test_every_candidate_keeps_its_budget_even_on_the_edge_of_the_tolerance() -> None:
    (name,) = ended()[0].constraints
    assert name == "growth in macs"
    for trial, candidate in zip(ended(), POOL, strict=False):
        off = abs(candidate.growth / 2 - 1) - 0.2
        assert trial.constraints[name] == pytest.approx(off, abs=1e-6)
        assert trial.user_attrs[f"constraint: {name}"] == trial.constraints[name] <= 0
    edge = replace(POOL[0], growth=2.4 * (1 + 1e-10))
    there = searched(RUNGS, ENDED, PLAN)
    there = replace(there, search=replace(there.search, pool=(edge, *POOL[1:])))
    assert optuna_trials(there)[0].constraints[name] == 0


def test_under_a_nominal_budget_the_constraint_is_nominal() -> None:
    nominal = Budget(constraint="nominal", tolerance=0.1)
    trial = optuna_trials(replace(searched(RUNGS, ENDED, PLAN), budget=nominal))[0]
    off = abs(POOL[0].coefficients.nominal_growth - 2) - 0.1
    assert trial.constraints == {"nominal growth": pytest.approx(off, abs=1e-6)}


def test_what_still_trains_is_running_without_a_value() -> None:
    results = {key: ENDED[key] for key in ((0, 1, 0), (1, 1, 0), (3, 1, 0), (2, 1, 0), (1, 2, 0))}
    trials = optuna_trials(searched(RUNGS, results, PLAN))
    assert [t.state.name for t in trials] == ["PRUNED", "RUNNING", "FAIL", "RUNNING"]
    assert (trials[1].value, trials[1].intermediate_values) == (None, {1: 0.4, 2: 0.7})
    assert (trials[3].value, trials[3].intermediate_values) == (None, {1: 0.6})


def test_who_waits_for_promotion_is_running_until_it_is_decided() -> None:
    waiting = {key: ENDED[key] for key in ((0, 1, 0), (1, 1, 0))}
    first = optuna_trials(searched(((0, 1, 2, 3),), waiting, PLAN))
    assert {trial.state for trial in first} == {TrialState.RUNNING}
    hopeful = replace(PLAN, asynchronous=True)
    second = optuna_trials(searched(((0, 1, 2, 3), (1,)), waiting, hopeful))
    assert {trial.state for trial in second} == {TrialState.RUNNING}
    decided = optuna_trials(searched(RUNGS, ENDED, hopeful))
    assert decided[0].state == TrialState.PRUNED


def test_trials_lie_in_time_where_their_trainings_did() -> None:
    finalist = ended()[1]
    begin = NOON + timedelta(hours=1, minutes=-1)  # its first training took a minute
    assert finalist.datetime_start is not None
    assert finalist.datetime_complete is not None
    assert finalist.datetime_start.astimezone() == begin
    assert finalist.datetime_complete.astimezone() == NOON + timedelta(hours=2)


def test_the_best_and_its_ties_are_marked_once_there_is_an_answer() -> None:
    there = searched(RUNGS, ENDED, PLAN)
    names = (POOL[1].name, POOL[0].name)
    spans = (POOL[1].alpha, POOL[1].beta, POOL[1].gamma)
    constants = answer(POOL[1].coefficients, spans, names, {POOL[1].name: 0.8})
    marks = [
        (trial.user_attrs["tie"], trial.user_attrs["best"])
        for trial in optuna_trials(replace(there, constants=constants))
    ]
    assert marks == [(True, False), (True, True), (False, False), (False, False)]
    assert "tie" not in optuna_trials(there)[0].user_attrs
