"""What a budget reads off a network: counts, the simulated peak, and ratios of times."""

from __future__ import annotations

import math
from functools import partial

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.custom_network import custom_network
from scaling_search.cost.memory import peak_memory
from scaling_search.latency.job import Machine, ProcessRun, Regime, TimeBudget, TimeJob, WarmUp
from scaling_search.latency.result import Timed, Unmeasured
from scaling_search.search.latency_ratios import (
    TRIES,
    anchor_failure,
    ratios_of,
    same_terms,
    tries_of,
)
from scaling_search.search.resources import (
    UntimedError,
    gathered,
    meter_of,
)
from scaling_search.search.space import Budget, Resource
from tests.search.latencies import timed

MICRO = zoo.get("micro")
SMALL, LARGE = MICRO.fitted(resolution_px=16), MICRO.fitted(resolution_px=32)
HERE = Machine("cpu", "here")


def job(
    *networks: Architecture, place: Machine = HERE, seed: int = 0, seconds: float = 9.0
) -> TimeJob:
    return TimeJob(networks, MICRO, Regime(), TimeBudget(seconds), place, seed)


def test_what_is_counted_is_counted_for_one_image() -> None:
    cost = count(MICRO)
    resources: tuple[Resource, ...] = ("macs", "params", "activations")
    read = [meter_of(Budget(resource))(MICRO) for resource in resources]
    assert read == [cost.macs, cost.params, cost.activations]


def test_memory_is_the_peak_of_the_regime() -> None:
    assert meter_of(Budget("memory"))(MICRO) == peak_memory(MICRO).total_bytes
    training = Regime("training", batch=32, precision="bfloat16")
    peak = peak_memory(MICRO, "training", 32, "bfloat16").total_bytes
    assert meter_of(Budget("memory"), training)(MICRO) == peak


def test_a_memory_budget_needs_a_batch() -> None:
    with pytest.raises(UserError, match=r"timing.regime.batch that is a number, got 'plateau'"):
        meter_of(Budget("memory"), Regime(batch="plateau"))


@pytest.mark.parametrize("resource", ["memory", "latency"])
def test_a_network_that_no_table_describes_is_not_measured(resource: Resource) -> None:
    own = custom_network("tests.own_network:make", resolution_px=16, in_channels=1, num_classes=20)
    with pytest.raises(UserError, match=f"a {resource} budget needs a network that a table"):
        meter_of(Budget(resource))(own)


def test_all_that_is_untimed_is_named_at_once() -> None:
    read = meter_of(Budget("latency"), ratios={MICRO.fingerprint: 1.0})
    with pytest.raises(UntimedError, match="got 2 untimed: run the study") as lacking:
        gathered(partial(read, network) for network in (SMALL, MICRO, LARGE, SMALL))
    assert lacking.value.networks == (SMALL, LARGE)


def test_a_ratio_that_is_known_well_is_never_changed_by_a_later_timing() -> None:
    first = timed(job(SMALL), lambda network: 1.5 if network == SMALL else 1.0)
    later = timed(job(SMALL, seed=1), lambda network: 1.7 if network == SMALL else 1.0)
    tries = tries_of([later, first], job())
    assert ratios_of(tries, MICRO, 0.05) == {SMALL.fingerprint: 1.5, MICRO.fingerprint: 1.0}


def test_a_doubtful_ratio_is_unknown_until_it_has_been_tried_often_enough() -> None:
    doubts = [0.4, 0.1, 0.2]
    known: list[Timed] = []
    for seed, doubt in enumerate(doubts):
        law: dict[Network, float] = {SMALL: 2.0 + seed, MICRO: 1.0}
        doubtful = dict.fromkeys(law, doubt)
        known.insert(0, timed(job(SMALL, seed=seed), law.__getitem__, doubtful.__getitem__))
        ratios = ratios_of(tries_of(known, job()), MICRO, 0.05)
        assert (SMALL.fingerprint in ratios) == (seed + 1 == TRIES)
    assert ratios[SMALL.fingerprint] == 3.0  # the narrowest of the three


def test_timings_of_another_machine_or_length_do_not_count() -> None:
    elsewhere = timed(job(SMALL, place=Machine("cpu", "elsewhere")))
    shorter = timed(job(SMALL, seconds=1.0))
    assert tries_of([elsewhere, shorter], job()) == {}
    assert same_terms(job(SMALL, place=Machine("cuda:1", "here"), seed=3), job(LARGE))


def test_what_could_not_be_timed_is_infinitely_slow() -> None:
    reason = Unmeasured("large", LARGE.fingerprint, 32, Regime(), "out of memory at batch 1")
    seats = (WarmUp(1), WarmUp(1, failure="out of memory at batch 1"))
    result = Timed(job(LARGE), (reason,), (ProcessRun(seats, (), (), {}),), 1)
    assert ratios_of(tries_of([result], job()), MICRO, 0.05)[LARGE.fingerprint] == math.inf


def test_where_the_anchor_failed_no_ratio_is_known() -> None:
    reason = Unmeasured("large", LARGE.fingerprint, 32, Regime(), "no answer within 9 s")
    seat = WarmUp(1, failure="no answer within 9 s")
    result = Timed(job(LARGE), (reason,), (ProcessRun((seat, seat), (), (), {}),), 1)
    assert anchor_failure(result) == "no answer within 9 s"
    assert tries_of([result], job()) == {}
