"""Every rule of instability, provoked by a device that breaks it and no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scaling_search.latency.job import Reading
from scaling_search.latency.result import Reason
from scaling_search.latency.summary import timings_of
from tests.latency.fakes import SMALL, Law, job, latency_of, sittings, steady

CALM = {"anchor": steady(10.0), "small": steady(20.0)}


def flags(
    laws: dict[str, Law] | Callable[[int], dict[str, Law]] = CALM,
    device: str = "cpu",
    readings: Callable[[float], Reading] = lambda now: Reading(),
) -> dict[Reason, str]:
    asked = job(SMALL, device=device)
    by_process = laws if callable(laws) else lambda _: laws
    (small,) = timings_of(asked, sittings(asked, by_process, readings=readings))
    return {flag.reason: flag.detail for flag in latency_of(small).flags}


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_calm_device_has_no_flag(device: str) -> None:
    assert flags(device=device) == {}


def test_a_bimodal_network_scatters() -> None:
    bimodal = CALM | {"small": lambda i, batch, now: 30.0 if i % 2 else 20.0}
    assert flags(bimodal) == {"scatter": "40.0 %, the limit is 10 %"}


def test_a_gpu_is_allowed_far_less_scatter() -> None:
    noisy = CALM | {"small": steady(20.0, sway=0.03)}
    assert flags(noisy) == {}
    assert list(flags(noisy, device="cuda:0")) == ["scatter"]


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
def test_a_few_late_iterations_are_no_scatter(device: str) -> None:
    # One in fifty takes twice as long: the standard deviation is 14 % of the mean.
    hiccups = CALM | {"small": lambda i, batch, now: 40.0 if i % 50 == 49 else 20.0}
    assert flags(hiccups, device=device) == {}


def test_a_network_that_slows_down_drifts() -> None:
    slower = CALM | {"small": lambda i, batch, now: 20.0 * (1 + 0.04 * (now > 1.2))}
    assert list(flags(slower)) == ["drift"]


def test_a_drift_of_all_concerns_the_anchor_too() -> None:
    def heated(ms: float) -> Law:
        return lambda i, batch, now: ms * (1 + 0.06 * (now > 1.2))

    both = {"anchor": heated(10.0), "small": heated(20.0)}
    assert list(flags(both)) == ["drift", "anchor drift"]


def test_processes_that_differ_are_told() -> None:
    found = flags(lambda p: CALM | {"small": steady(20.0 + 1.2 * (p == 1))})
    assert list(found) == ["processes differ"]


def test_a_throttled_card_is_named_with_its_reasons() -> None:
    hot = flags(
        device="cuda:0", readings=lambda now: Reading(throttle_reasons=("power cap", "heat"))
    )
    assert hot == {"throttled": "heat, power cap"}


def test_a_clock_that_drops_is_told() -> None:
    found = flags(device="cuda:0", readings=lambda now: Reading(clock_mhz=1900 - 100 * (now > 1)))
    assert found == {"clock drop": "5.3 %, the limit is 5 %"}


def test_a_strange_process_on_the_gpu_is_told() -> None:
    found = flags(device="cuda:0", readings=lambda now: Reading(foreign=float(now > 1)))
    assert found == {"foreign load": "1 other processes on the GPU"}


@pytest.mark.parametrize(
    ("cores", "busy", "told"), [(2, 0.2, False), (2, 0.9, True), (64, 0.9, False), (64, 7.0, True)]
)
def test_a_busy_cpu_is_told_by_its_share(cores: int, busy: float, told: bool) -> None:
    found = flags(readings=lambda now: Reading(foreign=busy, cores=cores))
    assert found == (
        {"foreign load": f"others keep {busy:.2f} of {cores} cores busy"} if told else {}
    )
