"""What the committed runs recommend, and what they don't know."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from scaling_search.arch.spec import Architecture
from scaling_search.compare.networks import Networks
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.run_comparison import RunComparison, read_comparison
from scaling_search.experiment.study_file import from_toml, to_toml
from scaling_search.latency.job import Machine, TimeBudget, TimeJob
from scaling_search.recommend.goal import Limits
from scaling_search.recommend.options import Options
from scaling_search.recommend.recommendation import reaching, within
from scaling_search.recommend.words import recommendation_sentences, recommendation_values, study_of
from tests.search.latencies import timed

RESULTS = Path(__file__).parents[2] / "results"
COMPOUND_2 = 9_292_360  # MACs of the CIFAR-10 run's compound network at φ = 2


@cache
def cifar10() -> RunComparison:
    return read_comparison(RESULTS / "cifar10")


def test_a_network_that_was_trained_is_taken_with_what_was_measured() -> None:
    found = within(cifar10(), Limits(macs=1.02 * COMPOUND_2), "compound")
    assert (found.best.method, found.best.phi, found.best.n) == ("compound", 2.0, 8)
    assert found.best.standing == "measured"
    assert found.best.member.cost.macs == COMPOUND_2
    interval = Networks.of(cifar10().runs).interval(("compound", 2.0))
    e = found.best.expected
    assert (e.value, e.low, e.high) == pytest.approx((interval.mean, interval.low, interval.high))


@pytest.mark.parametrize(
    ("limits", "method"),
    [
        (Limits(macs=3.1e6), None),
        (Limits(params=90e3), None),
        (Limits(6e6, 80e3), None),
        (Limits(memory=500e3), "width"),
    ],
)
def test_all_limits_hold_and_little_is_left_over(limits: Limits, method: str | None) -> None:
    found = within(cifar10(), limits, method)
    for option in filter(None, (found.best, found.runner_up)):
        shares = [option.costs[name] / most for name, most in limits.given.items()]
        assert max(shares) <= 1
        assert max(shares) > 0.7  # resolution alone adds no parameters
        assert option.costs["macs"] == count(option.member.architecture).macs


def test_in_between_a_line_is_read_in_the_logarithm_of_the_cost() -> None:
    found = within(cifar10(), Limits(macs=6.4e6), "compound").best
    assert found.standing == "interpolated"
    networks = Networks.of(cifar10().runs)
    low, high = (networks.interval(("compound", phi)).mean for phi in (1.0, 2.0))
    start, end = (networks.growths["compound", phi] for phi in (1.0, 2.0))
    part = math.log(found.member.growth / start) / math.log(end / start)
    assert found.expected.value == pytest.approx(low + part * (high - low))
    assert found.expected.low < found.expected.value < found.expected.high


def test_the_best_is_chosen_by_validation_alone() -> None:
    comparison, limits = cifar10(), Limits(macs=4.6e6)
    found = within(comparison, limits)
    assert found.best.method == "resolution"  # 49.5 % of the validation images, the most at φ = 1
    turned = comparison.runs.assign(test_top1=1 - comparison.runs["test_top1"])
    again = within(replace(comparison, runs=turned), limits)
    assert (again.best.method, again.best.phi) == (found.best.method, found.best.phi)


def test_the_smallest_network_that_reaches_an_accuracy_is_found() -> None:
    found = reaching(cifar10(), 50.0, "compound").best
    assert found.expected.value >= 50
    smaller = Options(cifar10()).at("compound", 0.9 * found.member.growth)
    assert smaller is not None
    assert Options(cifar10()).expected(smaller) < 50


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (Limits(macs=2e9), r"largest networks measured have 9.29 M MACs, .* up to φ = 9.8"),
        (Limits(macs=1e3), r"smallest networks measured have 2.26 M MACs, .* negative φ"),
        (Limits(latency_ms=5), "a limit of time needs networks that were timed, got 'none'"),
        (Limits(), "needs a limit or an accuracy"),
    ],
)
def test_what_is_not_known_is_refused(limits: Limits, rule: str) -> None:
    with pytest.raises(UserError, match=rule):
        within(cifar10(), limits)


def test_an_accuracy_beyond_reach_is_refused_with_the_most_to_expect() -> None:
    with pytest.raises(UserError, match=r"5\d\.\d % test top-1 is the most to expect, with"):
        reaching(cifar10(), 90.0)
    with pytest.raises(UserError, match="method must be of compound, depth"):
        reaching(cifar10(), 50.0, "sideways")


def with_times(comparison: RunComparison) -> RunComparison:
    networks = [
        m.architecture for m in comparison.members if isinstance(m.architecture, Architecture)
    ]
    place, regime = Machine("cpu", "here"), comparison.experiment.study.timing.regime
    line_up = tuple(dict.fromkeys(networks))
    job = TimeJob(line_up, line_up[0], regime, TimeBudget(1.0, 1), place)
    return replace(comparison, timed=timed(job))


def test_a_limit_of_time_is_kept_on_the_machine_that_timed() -> None:
    comparison = with_times(cifar10())
    times = sorted(Options(comparison).costs.times_ms.values())
    most = times[len(times) // 2]
    found = within(comparison, Limits(latency_ms=most))
    assert found.best.costs["latency_ms"] <= most
    with pytest.raises(UserError, match="nothing is known far beyond it"):
        within(comparison, Limits(latency_ms=10 * times[-1]))


def test_the_study_asks_for_the_very_training_that_the_run_made() -> None:
    comparison = cifar10()
    found = within(comparison, Limits(macs=1.02 * COMPOUND_2), "compound")
    study = from_toml(to_toml(study_of(found)))
    assert study.name == "cifar10-compound-2"
    assert study.compare.every_seed == range(1008, 1016)
    alone = Experiment(study, comparison.experiment.info)
    made = comparison.experiment.compare_job(found.best.member.architecture, 1000, phi=2.0)
    assert alone.compare_job(alone.base, 1000).hash == made.hash
    assert study.compare.constants is not None
    (only,) = alone.members(study.compare.constants)
    assert only.architecture == found.best.member.architecture


def test_sentences_say_what_it_rests_on() -> None:
    measured = " ".join(
        recommendation_sentences(within(cifar10(), Limits(macs=1.02 * COMPOUND_2), "compound"))
    )
    assert "That is measured, by 8 trainings of this very network." in measured
    assert "There is no runner-up" in measured
    between = " ".join(recommendation_sentences(within(cifar10(), Limits(macs=6e6))))
    assert "That is interpolated" in between
    assert "Runner-up: " in between
    assert "% more MACs" in between or "% less MACs" in between
    beyond = " ".join(recommendation_sentences(within(cifar10(), Limits(macs=13e6), "width")))
    assert "where the law may bend" in beyond


def test_values_are_plain() -> None:
    found = recommendation_values(within(cifar10(), Limits(macs=6e6)))
    best = found["best"]
    assert isinstance(best, dict)
    assert best["standing"] == "interpolated"
    assert best["macs"] <= 6e6


def test_an_unfinished_run_recommends_nothing(tmp_path: Path) -> None:
    for name in ("study.toml", "data.json", "environment.json"):
        (tmp_path / name).write_bytes((RESULTS / "cifar10" / name).read_bytes())
    with pytest.raises(UserError, match="what a run found lies in its ledger"):
        read_comparison(tmp_path)
    (tmp_path / "ledger.jsonl").touch()
    with pytest.raises(UserError, match="trainings missing: run the study again"):
        read_comparison(tmp_path)
