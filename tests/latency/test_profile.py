"""The whole profiler: attempts and pauses on a fake runner, then once for real, in processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.latency.job import Machine, ProcessRun, Regime, TimeBudget, TimeJob
from scaling_search.latency.measure import measure
from scaling_search.latency.process_runner import failed, in_child, machine_of
from scaling_search.latency.profile import (
    MOST_COMPILED,
    profile,
    time_networks,
    timed_from_json,
    timed_to_json,
)
from scaling_search.latency.protocol import ProcessRunner
from scaling_search.latency.result import Latency, Unmeasured
from tests.latency.fakes import (
    ANCHOR,
    SMALL,
    FakeClock,
    FakeDevice,
    Law,
    job,
    latency_of,
    network,
    steady,
)

CALM = {"anchor": steady(10.0), "small": steady(20.0)}
WILD = CALM | {"small": lambda i, batch, now: 30.0 if i % 2 else 20.0}


Batches = tuple[int, ...] | None


def runner(
    laws_of: Callable[[int], dict[str, Law]],
    asked_for: list[tuple[int, Batches]] | None = None,
) -> ProcessRunner:
    def run(asked: TimeJob, process: int, batches: Batches) -> ProcessRun:
        if asked_for is not None:
            asked_for.append((process, batches))
        clock = FakeClock()
        return measure(asked, process, batches, FakeDevice(laws_of(process), clock), clock)

    return run


def test_a_stable_attempt_is_the_only_one() -> None:
    asked_for: list[tuple[int, Batches]] = []
    clock = FakeClock()
    timed = time_networks(job(SMALL, attempts=3), runner(lambda p: CALM, asked_for), clock)
    assert timed.attempts == 1
    assert asked_for == [(0, None), (1, (1, 1)), (2, (1, 1))]
    assert clock.slept == []


def test_an_unstable_attempt_is_followed_by_another_after_a_pause() -> None:
    clock = FakeClock()
    # Processes 0 to 2 are the first attempt.
    timed = time_networks(job(SMALL, attempts=3), runner(lambda p: WILD if p < 3 else CALM), clock)
    assert timed.attempts == 2
    assert latency_of(timed.timings[0]).stable
    assert clock.slept == [2.0]


def test_what_stays_unstable_is_published_with_its_flags() -> None:
    clock = FakeClock()
    timed = time_networks(job(SMALL, attempts=3), runner(lambda p: WILD), clock)
    assert timed.attempts == 3
    assert clock.slept == [2.0, 4.0]
    assert [flag.reason for flag in latency_of(timed.timings[0]).flags] == ["scatter"]


def test_raw_samples_survive_json() -> None:
    timed = time_networks(job(SMALL), runner(lambda p: CALM), FakeClock())
    again = timed_from_json(timed_to_json(timed))
    assert again == timed
    assert again.sittings[0].visits[0].times_ms


def test_what_is_compiled_is_timed_a_few_at_a_time_beside_the_anchor() -> None:
    networks = [network(f"n{number}", 8 * number) for number in range(1, 11)]
    laws = {each.name: steady(10.0 * (1 + number)) for number, each in enumerate(networks)}
    seen = []

    def run(asked: TimeJob, process: int, batches: Batches) -> ProcessRun:
        seen.append([each.name for each in asked.line_up])
        return runner(lambda p: laws | CALM)(asked, process, batches)

    compiled = job(*networks, regime=Regime(mode="compile"))
    timed = time_networks(compiled, run, FakeClock())
    assert {len(line_up) for line_up in seen} == {1 + MOST_COMPILED, 1 + 10 % MOST_COMPILED}
    assert {line_up[0] for line_up in seen} == {"anchor"}
    assert timed.job == compiled
    assert [timing.network for timing in timed.timings] == [each.name for each in networks]
    assert [latency_of(timing).ratio for timing in timed.timings] == [
        pytest.approx(number, rel=5e-3) for number in range(1, 11)
    ]
    assert len(timed.sittings) == len(seen) == 3 * 3
    seen.clear()
    time_networks(job(*networks), run, FakeClock())
    assert [len(line_up) for line_up in seen] == [11] * 3


def test_each_regime_is_a_job_of_its_own() -> None:
    regimes = [Regime(), Regime(batch="plateau")]
    found = profile(
        [SMALL],
        regimes,
        anchor=ANCHOR,
        place=Machine(machine="fake"),
        runner=runner(lambda p: CALM),
    )
    assert [timed.job.regime for timed in found.results] == regimes
    assert len({timed.job.hash for timed in found.results}) == 2
    assert len(found.timings) == 2


def test_the_first_network_is_the_anchor_unless_another_is_named() -> None:
    found = profile([ANCHOR, SMALL], place=Machine(machine="fake"), runner=runner(lambda p: CALM))
    assert found.results[0].job.anchor == ANCHOR
    assert latency_of(found.timings[0]).ratio == pytest.approx(1.0, rel=2e-3)


@pytest.mark.parametrize("wrong", [{"precision": "tf32"}, {"mode": "graph"}])
def test_a_cpu_refuses_what_only_cuda_has(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="TF32 and CUDA graphs need a CUDA device"):
        profile([SMALL], [Regime(**wrong)], place=Machine(machine="fake"))


def test_nothing_to_time_is_refused() -> None:
    with pytest.raises(UserError, match="there must be a network to time"):
        profile([], place=Machine(machine="fake"))


def test_a_process_that_died_leaves_its_networks_unmeasured() -> None:
    timed = time_networks(job(SMALL), lambda asked, p, b: failed(asked, "killed"), FakeClock())
    assert isinstance(timed.timings[0], Unmeasured)
    assert timed.timings[0].reason == "killed"


def test_a_real_process_sits_and_tells_its_conditions() -> None:
    micro = zoo.get("micro")
    asked = TimeJob(
        (micro,), micro, Regime(), TimeBudget(0.4, 1, 1), Machine("cpu", machine_of("cpu"))
    )
    timed = time_networks(asked, in_child, FakeClock())
    (latency,) = timed.timings
    assert isinstance(latency, Latency)
    assert latency.n == sum(len(v.times_ms) for v in timed.sittings[0].visits if v.place == 1)
    conditions = timed.sittings[0].conditions
    assert conditions["threads"] == "1"
    assert "MALLOC_TRIM_THRESHOLD_=1073741824" in conditions["allocator"]
    assert conditions["machine"] == asked.place.machine


def test_a_real_process_that_ends_badly_says_its_last_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    micro = zoo.get("micro")
    # A device that does not exist: the child can't even begin.
    asked = TimeJob((micro,), micro, Regime(), TimeBudget(0.4, 1, 1), Machine("cuda:99", "none"))
    sitting = in_child(asked, 0, None)
    assert all("the process ended with status 1" in seat.failure for seat in sitting.seats)
