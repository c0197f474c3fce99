"""The verb that counts a network, as its user meets it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import typer

from scaling_search.arch.spec import Architecture
from scaling_search.cli.count import count_command
from scaling_search.cost.counter_agreement import CounterAgreement, counter_agreement


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

    monkeypatch.setattr("scaling_search.cost.counter_agreement.counter_agreement", wrong)
    with pytest.raises(typer.Exit) as ended:
        count_command("micro", checked=True)
    assert ended.value.exit_code == 1


# Of `network_file`: at 8 px a stem of 3 × 3 × 3 × 8, a depthwise 1 × 1 × 8, a projection of 8 × 8
# and a head of 8 × 32, each times 64 pixels; then 32 × 10 for the logits.
MACS_OF_FILE = 64 * (216 + 8 + 64 + 256) + 320


def test_a_network_of_ones_own_file_is_counted(
    network_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    count_command(network_file, as_json=True)
    assert json.loads(capsys.readouterr().out)[-1]["macs"] == MACS_OF_FILE
    count_command(network_file, px=32, checked=True)
    printed = capsys.readouterr().out
    assert "mine at 32 px" in printed
    assert printed.count(f"{4 * (MACS_OF_FILE - 320) + 320:,}") == 3
