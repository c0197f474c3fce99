"""A latency budget: what it lacks is timed in rounds, once, and never beside a training."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients
from scaling_search.core.errors import UserError
from scaling_search.data.request import DataInfo
from scaling_search.experiment.comparison import Timing
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.outcome import redraw
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.timing_rounds import MOST_AT_ONCE, TimingRounds
from scaling_search.jobs.ledger import Ledger
from scaling_search.latency.job import Machine, ProcessRun, TimeJob, WarmUp
from scaling_search.latency.result import Timed
from scaling_search.search.candidates import candidates
from scaling_search.search.latency_ratios import TRIES
from scaling_search.search.plan import Rung, SearchPlan
from scaling_search.search.resources import UntimedError, meter_of
from scaling_search.search.space import Axis, Budget, Resource, Space
from tests.no_pictures import no_pictures
from tests.search.latencies import like_macs, timed
from tests.tiny import TINY

INFO = DataInfo("typefaces", tuple(map(str, range(20))), 1, 96, 160, 40, 100, 1, "f" * 16)
BUDGET = Budget("latency", tolerance=0.05)
STUDY = replace(
    TINY,
    budget=BUDGET,
    space=Space(Axis(1, 2, 0.25), Axis(1, 1.5, 0.1), Axis(1, 2.5, 0.05)),
    timing=Timing(seconds=6.0),
)
SETTING = Experiment(STUDY, INFO)
POINT = Coefficients(1.2, 1.1, 1.15)
HERE, ELSEWHERE = Machine("cpu", "here"), Machine("cpu", "elsewhere")


class Bench:
    """Times by a law, counts how often each network was on it, and can be cut off."""

    def __init__(self, doubt: Callable[[Network], float] = lambda network: 0.0) -> None:
        self.jobs: list[TimeJob] = []
        self.left = 1000
        self.doubt = doubt

    def __call__(self, job: TimeJob) -> Timed:
        if len(self.jobs) == self.left:
            raise KeyboardInterrupt
        self.jobs.append(job)
        return timed(job, doubt=self.doubt)

    @property
    def tries(self) -> Counter[Network]:
        return Counter(network for job in self.jobs for network in job.networks)


def rounds(ledger: Ledger, bench: Bench, place: Machine = HERE) -> TimingRounds:
    return TimingRounds(ledger, place, lambda text: None, bench)


def pool(experiment: Experiment) -> object:
    return experiment.pool


def members(experiment: Experiment) -> object:
    return experiment.members(POINT)


def test_before_each_timing_whatever_waits_for_a_training_is_ended(tmp_path: Path) -> None:
    order: list[str] = []
    bench = Bench()

    def timer(job: TimeJob) -> Timed:
        order.append("timed")
        return bench(job)

    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        asked = TimingRounds(ledger, HERE, lambda _: None, timer, rest=lambda: order.append("rest"))
        asked.until(SETTING, members)
        assert order == ["rest", "timed"] * (len(order) // 2) != []
        order.clear()
        asked.until(SETTING, members)
    assert order == []  # nothing to time: nobody is disturbed


def test_the_pool_is_that_of_brute_force_and_each_network_is_timed_once(tmp_path: Path) -> None:
    bench = Bench()
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        experiment = rounds(ledger, bench).until(SETTING, pool)
    base = SETTING.base
    like = candidates(base, BUDGET, STUDY.space, lambda n: like_macs(n) / like_macs(base))
    assert [c.architecture for c in experiment.pool] == [c.architecture for c in like]
    assert set(bench.tries.values()) == {1}
    assert all(job.anchor == base and job.place == HERE for job in bench.jobs)
    assert max(len(job.networks) for job in bench.jobs) <= MOST_AT_ONCE


def test_an_interrupted_search_goes_on_and_times_nothing_twice(tmp_path: Path) -> None:
    whole, bench = Bench(), Bench()
    with Ledger(tmp_path / "whole" / "ledger.jsonl") as ledger:
        expected = rounds(ledger, whole).until(SETTING, pool).pool
    path = tmp_path / "ledger.jsonl"
    for left in range(1, len(whole.jobs)):
        bench.left = left
        with Ledger(path) as ledger, pytest.raises(KeyboardInterrupt):
            rounds(ledger, bench).until(SETTING, pool)
    bench.left += 1
    with Ledger(path) as ledger:
        assert rounds(ledger, bench).until(SETTING, pool).pool == expected
        assert bench.tries == whole.tries
        rounds(ledger, bench).until(SETTING, pool)  # out of time: one more job would raise
    assert len(bench.jobs) == len(whole.jobs)


def test_family_and_rivals_are_solved_from_timings_as_well(tmp_path: Path) -> None:
    bench = Bench()
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        experiment = rounds(ledger, bench).until(SETTING, members)
    found = experiment.members(POINT)
    assert [m.method for m in found] == ["base", "compound", "depth", "width", "resolution"]
    base = like_macs(SETTING.base)
    assert all(m.growth == pytest.approx(like_macs(m.architecture) / base) for m in found)
    assert all(abs(m.growth / 2 - 1) < 0.2 for m in found[1:])  # whole pixels and layers
    assert set(bench.tries.values()) == {1}
    assert sum(bench.tries.values()) < 40


def test_timings_of_another_machine_are_not_used(tmp_path: Path) -> None:
    there, here = Bench(), Bench()
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        rounds(ledger, there, ELSEWHERE).until(SETTING, pool)
        rounds(ledger, here, HERE).until(SETTING, pool)
        assert here.tries == there.tries
        known = SETTING.knowing(ledger.timings())  # on whichever machine was the last
        assert known.ratios == SETTING.knowing(ledger.timings(), HERE).ratios


def test_what_the_report_times_later_changes_no_decision(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        experiment = rounds(ledger, Bench()).until(SETTING, members)
        networks = list(experiment.line_up(experiment.members(POINT), None))
        late = timed(
            experiment.time_job(networks, HERE), lambda n: 1.0 if n == experiment.base else 9.0
        )
        assert ledger.accept(late.job, late, {})
        assert SETTING.knowing(ledger.timings(), HERE).ratios == experiment.ratios


def test_a_doubtful_network_is_timed_again_and_the_others_are_not(tmp_path: Path) -> None:
    said: list[str] = []
    bench = Bench(lambda network: 0.3 if network.resolution_px > 24 else 0.01)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        TimingRounds(ledger, HERE, said.append, bench).until(SETTING, pool)
        assert len(list(ledger.timings())) == len(bench.jobs)
    for network, tries in bench.tries.items():
        assert tries == (TRIES if network.resolution_px > 24 else 1)
    doubtful = sum(tries > 1 for tries in bench.tries.values())
    assert said[-1].startswith(f"{doubtful} of {len(bench.tries)} latencies are known less well")


def test_a_base_that_can_not_be_timed_is_said_and_nothing_is_recorded(tmp_path: Path) -> None:
    def dead(job: TimeJob) -> Timed:
        seats = tuple(WarmUp(1, failure="the process ended with status -9") for _ in job.line_up)
        return Timed(job, (), (ProcessRun(seats, (), (), {}),), 1)

    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        with pytest.raises(UserError, match=r"a base that can be timed, got 'the process ended"):
            TimingRounds(ledger, HERE, lambda text: None, dead).until(SETTING, pool)
        assert len(ledger) == 0


def test_without_timings_the_pool_of_a_latency_budget_is_not_known() -> None:
    with pytest.raises(UntimedError):
        pool(SETTING)


def test_a_latency_budget_needs_time_for_timing() -> None:
    with pytest.raises(UserError, match=r"seconds of timing above 0, got 0: raise timing.seconds"):
        Experiment(replace(STUDY, timing=Timing(seconds=0)), INFO)


@pytest.mark.parametrize("resource", ["memory", "latency"])
def test_a_function_is_refused_at_the_start(resource: Resource) -> None:
    own = replace(STUDY, base="tests.own_network:make", budget=replace(BUDGET, resource=resource))
    with pytest.raises(UserError, match=f"a {resource} budget needs a network that a table"):
        Experiment(own, INFO)


def test_a_latency_budget_follows_the_winners_growth_in_macs_beyond_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        experiment = rounds(ledger, Bench()).until(SETTING, pool)
    assert meter_of(BUDGET, ratios=experiment.ratios)(experiment.pool[0].architecture) < 2.11


@pytest.mark.slow
def test_a_search_budgeted_in_latency_times_for_real_and_only_before_it_trains(
    tmp_path: Path,
) -> None:
    # Whatever this machine's noise makes of doubling the depth lies in so wide a tolerance: a step
    # of nano is over before others want the core, if not each then most of them.
    one = Axis(1, 1, 1)
    study = replace(
        STUDY,
        base="nano",
        budget=Budget("latency", tolerance=0.49),
        space=Space(Axis(1, 2, 1), one, Axis(1, 2, 0.5)),
        search=SearchPlan("grid", trials=2, rungs=(Rung(1),)),
        timing=Timing(seconds=0.2, processes=1),
    )
    outcome = run(study, tmp_path, device="cpu", workers=0, search_only=True)
    assert ((outcome.search["growth"] / 2 - 1).abs() <= 0.49).all()
    kinds = [
        "networks" in json.loads(line)["record"]["job"]
        for line in (tmp_path / "ledger.jsonl").read_text().splitlines()
    ]
    assert kinds == sorted(kinds, reverse=True)
    before = (tmp_path / "ledger.jsonl").read_bytes()
    again = run(study, tmp_path, device="cpu", workers=0, search_only=True)
    assert (tmp_path / "ledger.jsonl").read_bytes() == before
    with no_pictures():
        assert again.constants == redraw(tmp_path).constants == outcome.constants
