"""The verbs that measure, as their user meets them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from scaling_search.cli import measure as verbs
from scaling_search.cli.measure import latency_command, regime_of
from scaling_search.core.errors import UserError
from scaling_search.latency.job import ProcessRun, Reading, Regime, TimeJob
from scaling_search.latency.measure import measure
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Profile
from tests.latency.fakes import FakeClock, FakeDevice


@dataclass
class MadeUp:
    """How a device is that a test may disturb, and what was timed on it."""

    reading: Reading = field(default_factory=Reading)
    largest_batch: int = 1 << 20
    asked: list[TimeJob] = field(default_factory=list)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> MadeUp:
    """Time on a device that a test may disturb, never on this machine."""
    state = MadeUp()

    def runner(job: TimeJob, process: int, batches: tuple[int, ...] | None) -> ProcessRun:
        clock = FakeClock()
        laws = {
            a.name: lambda i, b, now, ms=10.0 * n: ms for n, a in enumerate(job.networks, 1)
        } | {job.anchor.name: lambda i, b, now: 10.0}
        device = FakeDevice(laws, clock, state.largest_batch, readings=lambda now: state.reading)
        state.asked.append(job)
        return measure(job, process, batches, device, clock)

    def on_it(*arguments: Any, **named: Any) -> Profile:
        return profile(*arguments, runner=runner, clock=FakeClock(), **named)

    monkeypatch.setattr(verbs, "profile", on_it)
    return state


def test_latency_shows_the_ratio_its_interval_and_that_it_is_stable(
    made_up: MadeUp, capsys: pytest.CaptureFixture[str]
) -> None:
    latency_command(["micro", "efficientnet-b0-small"], processes=2, seconds=4.0)
    printed = capsys.readouterr().out
    assert "2.000" in printed
    assert "stable" in printed
    assert "anchor: micro" in printed


def test_latency_says_why_a_time_is_not_to_be_trusted(
    made_up: MadeUp, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.reading = Reading(foreign=1.0, cores=2)
    latency_command(["micro"], processes=1, seconds=2.0, attempts=1)
    printed = " ".join(capsys.readouterr().out.split())
    assert "unstable, foreign load: others keep 1.00 of 2 cores busy (micro)" in printed


def test_latency_for_machines_is_json(made_up: MadeUp, capsys: pytest.CaptureFixture[str]) -> None:
    latency_command(["micro"], px=32, batch="2", processes=1, seconds=2.0, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["network"], row["px"], row["batch"]) == ("micro", 32, 2)
    assert row["ratio"] == 1.0
    assert row["stable"]


def test_what_does_not_fit_is_a_row_with_its_reason(
    made_up: MadeUp, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up.largest_batch = 32
    latency_command(["micro"], batch="64", processes=1, seconds=2.0)
    assert "out of memory at batch 64" in " ".join(capsys.readouterr().out.split())


def test_options_become_the_job(made_up: MadeUp, capsys: pytest.CaptureFixture[str]) -> None:
    latency_command(
        ["micro"], anchor="efficientnet-b0-small", px=48, regime="training,bfloat16", processes=1
    )
    job = made_up.asked[0]
    assert job.anchor.name == "efficientnet-b0-small"
    assert {a.resolution_px for a in job.line_up} == {48}
    assert job.regime == Regime("training", 1, "bfloat16")


def test_networks_of_ones_own_files_are_timed_beside_others(
    made_up: MadeUp, network_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [network_file, "nano"]
    latency_command(files, anchor=network_file, px=32, processes=1, seconds=2.0, as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [(row["network"], row["px"]) for row in rows] == [("mine", 32), ("nano", 32)]
    assert made_up.asked[0].anchor.name == "mine"


def test_a_regime_is_read_from_words_in_any_order() -> None:
    assert regime_of("bfloat16, training", "plateau") == Regime("training", "plateau", "bfloat16")
    assert regime_of("", "1") == Regime()


@pytest.mark.parametrize(
    ("words", "batch", "said"),
    [
        ("int8", "1", "a regime is made of the words inference, training, float32"),
        ("eager,graph", "1", "a regime has one mode, got 'eager' and 'graph'"),
        ("eager", "many", "batch must be a number, or plateau, got 'many'"),
        ("eager", "0", "batch must be at least 1"),
        ("tf32", "1", "TF32 and CUDA graphs need a CUDA device"),
    ],
)
def test_a_regime_that_cannot_be_is_refused_in_one_line(words: str, batch: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        latency_command(["micro"], regime=words, batch=batch, device="cpu")
