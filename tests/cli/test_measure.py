"""The verbs that measure, as their user meets them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import typer

from scaling_search.arch.spec import Architecture
from scaling_search.cli import measure as verbs
from scaling_search.cli.measure import count_command, latency_command, regime_of
from scaling_search.core.errors import UserError
from scaling_search.cost.counter_agreement import CounterAgreement, counter_agreement
from scaling_search.latency.job import ProcessRun, Reading, Regime, TimeJob
from scaling_search.latency.measure import measure
from scaling_search.latency.profile import profile
from scaling_search.latency.result import Profile
from tests.latency.fakes import FakeClock, FakeDevice


def test_a_count_lists_stages_then_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    count_command("micro")
    printed = capsys.readouterr().out
    assert "613,200" in printed
    assert "MACs, depthwise" in printed
    assert "peak bytes, inference" in printed


def test_a_count_for_machines_holds_the_kinds_of_each_stage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count_command("micro", as_json=True)
    rows = json.loads(capsys.readouterr().out)
    total = rows.pop()
    assert total["macs"] == 613_200
    for name in ("macs", "pointwise_macs", "depthwise_macs", "elementwise"):
        assert sum(row[name] for row in rows) == total[name]


def test_a_check_prints_three_counters_and_what_each_leaves_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    count_command("efficientnet-b0-small", checked=True, as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [row["counter"] for row in rows] == ["analytic walk", "torch", "fvcore, conv + linear"]
    assert len({row["macs"] for row in rows}) == 1
    assert rows[2]["left_out"]["aten::sigmoid"] == 16
    count_command("efficientnet-b0-small", checked=True)
    assert "aten::sigmoid 16" in " ".join(capsys.readouterr().out.split())


def test_a_check_that_finds_a_difference_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(network: Architecture) -> CounterAgreement:
        return replace(counter_agreement(network), torch_macs=1)

    monkeypatch.setattr(verbs, "counter_agreement", wrong)
    with pytest.raises(typer.Exit) as ended:
        count_command("micro", checked=True)
    assert ended.value.exit_code == 1


# At 8 px a stem of 3 × 3 × 3 × 8, a depthwise 1 × 1 × 8, a projection of 8 × 8 and a head of
# 8 × 32, each times 64 pixels; then 32 × 10 for the logits.
MINE = """name = "mine"
resolution_px = 16
stem_channels = 8
head_channels = 32
num_classes = 10

[[stages]]
block = "mbconv"
channels = 8
repeats = 1
kernel = 1
"""
MACS_OF_MINE = 64 * (216 + 8 + 64 + 256) + 320


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """The name of a file that holds a network of one's own."""
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return str(path)


def test_a_network_of_ones_own_file_is_counted(
    mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    count_command(mine, as_json=True)
    assert json.loads(capsys.readouterr().out)[-1]["macs"] == MACS_OF_MINE
    count_command(mine, px=32, checked=True)
    printed = capsys.readouterr().out
    assert "mine at 32 px" in printed
    assert printed.count(f"{4 * (MACS_OF_MINE - 320) + 320:,}") == 3


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
    made_up: MadeUp, mine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    latency_command([mine, "nano"], anchor=mine, px=32, processes=1, seconds=2.0, as_json=True)
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
