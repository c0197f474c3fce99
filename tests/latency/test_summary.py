"""Numbers from samples: percentiles only where n allows, paired ratios, intervals, ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scaling_search.latency.job import ProcessRun, Regime, Sample, TimeJob
from scaling_search.latency.result import Latency, Unmeasured
from scaling_search.latency.summary import bootstrap, percentile, rank_intervals, timings_of
from tests.latency.fakes import ANCHOR, LARGE, SMALL, Law, job, latency_of, sittings, steady

LAWS = {"anchor": steady(10.0), "small": steady(20.0), "large": steady(40.0)}


def timed(
    asked: TimeJob, laws: Callable[[int], dict[str, Law]], *, host_share: float = 1.0
) -> tuple[Latency, ...]:
    samples = sittings(asked, laws, host_share=host_share)
    return tuple(map(latency_of, timings_of(asked, samples)))


def test_a_steady_device_gives_the_exact_ratio_and_no_flag() -> None:
    small, large = timed(job(SMALL, LARGE), lambda _: LAWS)
    assert (small.network, large.network) == ("small", "large")
    assert small.ratio == pytest.approx(2.0, rel=1e-3)
    assert large.ratio == pytest.approx(4.0, rel=1e-3)
    assert small.median_ms == pytest.approx(20.0, rel=1e-3)
    assert small.images_per_s == pytest.approx(50.0, rel=1e-3)
    assert small.stable
    assert large.stable
    assert small.processes == 3
    assert small.n == sum(
        len(v.times_ms)
        for s in sittings(job(SMALL, LARGE), lambda _: LAWS)
        for v in s.visits
        if v.place == 1
    )


def test_a_machine_twice_as_slow_in_one_process_moves_the_median_and_not_the_ratio() -> None:
    def laws(process: int) -> dict[str, Law]:
        slow = 2.0 if process == 2 else 1.0
        return {"anchor": steady(10.0 * slow), "small": steady(20.0 * slow)}

    (small,) = timed(job(SMALL), laws)
    assert small.ratio == pytest.approx(2.0, rel=1e-3)
    assert small.ratio_low is not None
    assert small.ratio_high is not None
    assert small.ratio_high - small.ratio_low < 0.01
    assert small.high_ms > 1.9 * small.low_ms
    assert [flag.reason for flag in small.flags] == ["processes differ"]


def test_percentiles_are_given_only_where_n_allows() -> None:
    times = np.arange(1.0, 663.0)
    assert percentile(times[:63], 90, 64) is None
    assert percentile(times[:64], 90, 64) == pytest.approx(57.7)
    assert percentile(times[:661], 99, 662) is None
    assert percentile(times, 99, 662) == pytest.approx(655.39)
    few, many = (
        timed(job(SMALL, seconds=seconds, processes=1), lambda _: LAWS)[0] for seconds in (1, 40)
    )
    assert few.n < 64
    assert (few.p90_ms, few.p99_ms) == (None, None)
    assert many.n >= 662
    assert many.p90_ms is not None
    assert many.p99_ms is not None
    assert many.p90_ms <= many.p99_ms


def test_the_ratio_is_per_image_whatever_the_batches() -> None:
    # The anchor's plateau is at 4 images, the other's at 1: 10 ms an image against 10.
    laws = {
        "anchor": lambda i, batch, now: 10.0 * max(4, batch),
        "small": lambda i, batch, now: 10.0 * batch,
    }
    (small,) = timed(job(SMALL, regime=Regime(batch="plateau")), lambda _: laws)
    assert small.batch == 1
    assert small.ratio == pytest.approx(1.0)


def test_a_twin_of_the_anchor_has_ratio_one() -> None:
    (twin,) = timed(job(ANCHOR), lambda _: LAWS)
    assert twin.ratio == pytest.approx(1.0, rel=2e-3)


def test_what_does_not_fit_is_unmeasured_with_its_reason() -> None:
    asked = job(SMALL, regime=Regime(batch=64))
    (small,) = timings_of(asked, sittings(asked, lambda _: LAWS, largest_batch=63))
    assert isinstance(small, Unmeasured)
    assert small.reason == "out of memory at batch 64: tried to allocate 2 GiB"


def test_a_network_without_an_anchor_keeps_its_milliseconds() -> None:
    asked = job(SMALL, processes=1)
    (sitting,) = sittings(asked, lambda _: LAWS)
    alone = replace(sitting, visits=tuple(v for v in sitting.visits if v.place == 1))
    (small,) = timings_of(asked, [alone])
    assert isinstance(small, Latency)
    assert small.ratio is None
    assert small.median_ms == pytest.approx(20.0, rel=1e-3)


def test_time_without_a_core_is_contention() -> None:
    (small,) = timed(job(SMALL), lambda _: LAWS, host_share=0.75)
    assert small.contention == pytest.approx(0.25)
    assert not small.launch_bound


def test_a_gpu_that_waits_for_the_host_is_launch_bound() -> None:
    asked = job(SMALL, device="cuda:0")
    (waits,) = timed(asked, lambda _: LAWS, host_share=0.81)
    (works,) = timed(asked, lambda _: LAWS, host_share=0.79)
    assert waits.launch_bound
    assert not works.launch_bound
    assert waits.contention is None


def test_a_host_that_waits_for_room_in_the_queue_does_not_make_a_network_launch_bound() -> None:
    asked = job(SMALL, device="cuda:0")

    def held_up(share: float) -> tuple[ProcessRun, ...]:
        """The first iteration of a turn takes so much of the host, the others all of the GPU's."""
        return tuple(
            replace(
                sitting, visits=tuple(replace(v, host_ms=host(v, share)) for v in sitting.visits)
            )
            for sitting in sittings(asked, lambda _: LAWS)
        )

    def host(visit: Sample, share: float) -> tuple[float, ...]:
        return (share * visit.times_ms[0], *visit.times_ms[1:])

    (works,) = timings_of(asked, held_up(0.3))
    (waits,) = timings_of(asked, held_up(0.9))
    assert not latency_of(works).launch_bound
    assert latency_of(waits).launch_bound


def test_the_interval_of_one_process_is_narrower_than_that_of_several_that_differ() -> None:
    rng = np.random.default_rng(1)
    alike = [10.0 + rng.normal(0, 0.1, 20) for _ in range(3)]
    apart = [row + shift for row, shift in zip(alike, (-1.0, 0.0, 1.0), strict=True)]
    low, high = bootstrap(alike, 0)
    assert low < 10.0 < high
    assert high - low < 0.3
    low, high = bootstrap(apart, 0)
    assert high - low > 1.0
    assert bootstrap(apart, 0) == (low, high)


def test_overlapping_intervals_are_not_ranked() -> None:
    (one,) = timed(job(SMALL), lambda _: LAWS)
    ends = [(1.0, 1.1), (1.05, 1.2), (1.3, 1.4), (0.5, 0.6)]
    lined_up = [replace(one, ratio_low=low, ratio_high=high) for low, high in ends]
    assert rank_intervals(lined_up) == ((2, 3), (2, 3), (4, 4), (1, 1))
    assert rank_intervals([replace(one, ratio_low=None, ratio_high=None), *lined_up[2:]])[0] == (
        1,
        3,
    )
