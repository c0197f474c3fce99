"""Time in the report: rows with all costs, words for doubts, pictures that redraw alike."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from scaling_search.arch import zoo
from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import count
from scaling_search.cost.latency_model import explain, variants
from scaling_search.cost.memory import peak_memory
from scaling_search.latency.job import Machine, ProcessRun, Reading, Regime, TimeBudget, TimeJob
from scaling_search.latency.measure import measure
from scaling_search.latency.profile import time_networks
from scaling_search.latency.protocol import DeviceFullError
from scaling_search.latency.result import Timed
from scaling_search.report.latency import (
    accuracy_latency_frame,
    latency_frame,
    latency_table,
    points_of,
)
from scaling_search.report.latency_figures import accuracy_latency_picture, latency_model_picture
from tests.latency.fakes import FakeClock, FakeDevice, FakeProgram
from tests.report.frames import runs_frame

MICRO = zoo.get("micro")
VARIANTS = variants(MICRO, (2.0, 4.0))


class SilentProgram(FakeProgram):
    def peak_bytes(self) -> int | None:
        return None


class Proportional(FakeDevice):
    """A network takes 10 ms for each million MACs, and says nothing of its memory."""

    too_large = "none"

    def load(self, network: Architecture, regime: Regime, batch: int) -> FakeProgram:
        if network.name == self.too_large:
            raise DeviceFullError("tried to allocate 2 GiB")
        ms = count(network).macs / 1e5
        return SilentProgram(lambda i, b, now: ms * b, batch, self.clock, 1.0)


def timed(
    too_large: str = "none",
    readings: Callable[[float], Reading] = lambda now: Reading(),
    regime: Regime | None = None,
) -> Timed:
    def runner(job: TimeJob, process: int, batches: tuple[int, ...] | None) -> ProcessRun:
        clock = FakeClock()
        device = Proportional({}, clock, readings=readings)
        device.too_large = too_large
        return measure(job, process, batches, device, clock)

    networks = tuple(network for _, network in VARIANTS)
    budget, place = TimeBudget(9.0, 3, 1), Machine("cpu", "a made-up CPU")
    return time_networks(
        TimeJob(networks, MICRO, regime or Regime(), budget, place), runner, FakeClock()
    )


def test_every_network_has_a_row_with_its_costs_memory_and_time() -> None:
    frame = latency_frame(timed())
    assert list(frame["network"]) == [network.name for _, network in VARIANTS]
    first = frame.iloc[0]
    assert (first["macs"], first["params"]) == (count(MICRO).macs, count(MICRO).params)
    assert first["peak_bytes"] == peak_memory(MICRO).total_bytes
    assert first["peak_source"] == "simulated"
    assert first["median_ms"] == pytest.approx(count(MICRO).macs / 1e5)
    assert frame["stable"].all()
    assert set(frame["machine"]) == {"a made-up CPU"}


def test_ratios_follow_the_anchor_and_rank_the_networks() -> None:
    frame = latency_frame(timed())
    macs = frame["macs"] / frame["macs"].iloc[0]
    assert frame["ratio"].to_numpy() == pytest.approx(macs.to_numpy())
    assert frame["rank_from"].iloc[0] == 1


def test_what_could_not_be_timed_keeps_its_row_and_says_why() -> None:
    biggest = VARIANTS[-1][1].name
    frame = latency_frame(timed(too_large=biggest))
    last = frame.iloc[-1]
    assert last["flags"].startswith("out of memory at batch 1")
    assert pd.isna(last["median_ms"])
    shown = latency_table(frame).shown.iloc[-1]
    assert shown["median (ms) [95\u00a0%]"] == "–"
    assert "out of memory" in shown["unstable"]


def test_flags_are_worded_with_their_numbers() -> None:
    frame = latency_frame(timed(readings=lambda now: Reading(foreign=1.0, cores=2)))
    assert not frame["stable"].any()
    assert set(frame["flags"]) == {"foreign load (others keep 1.00 of 2 cores busy)"}


def test_the_table_is_written_for_people_and_machines() -> None:
    table = latency_table(latency_frame(timed()))
    assert "time ÷ anchor's" in table.markdown
    assert "(simulated)" in table.markdown
    assert table.csv.startswith("network,fingerprint,px,macs")


def test_times_are_explained_and_drawn() -> None:
    points = points_of(timed(), [axis for axis, _ in VARIANTS])
    assert len(points) == len(VARIANTS)
    model = explain(points, "a made-up CPU", "batch 1")
    assert model.winner == "macs"
    first, second = (latency_model_picture(points, model) for _ in range(2))
    assert first.svg == second.svg
    assert first.caption == model.sentence


def test_points_are_per_image_whatever_the_batch() -> None:
    points = points_of(timed(regime=Regime(batch=8)), [axis for axis, _ in VARIANTS])
    assert points[0].latency_ms == pytest.approx(count(MICRO).macs / 1e5)


def _latency_of(runs: pd.DataFrame) -> pd.DataFrame:
    """A made-up time for each network of the runs."""
    networks = runs.drop_duplicates("network")
    times = networks["macs"] / 1e5
    extra = {"median_ms": 2 * times, "low_ms": 1.9 * times, "high_ms": 2.1 * times}
    where = {"machine": "a made-up CPU", "regime": "batch 2"}
    return networks[["fingerprint", "network", "px", "macs"]].assign(batch=2, **extra, **where)


def test_accuracy_meets_the_time_of_the_same_network() -> None:
    runs = runs_frame()
    frame = accuracy_latency_frame(runs, _latency_of(runs)).set_index(["method", "phi"])
    base = runs[runs["method"] == "base"]
    assert frame.loc[("base", 0.0), "mean"] == pytest.approx(100 * base["test_top1"].mean())
    assert frame.loc[("base", 0.0), "latency_ms"] == pytest.approx(base["macs"].iloc[0] / 1e5)
    assert frame.loc[("width", 2.0), "n"] == 3


def test_a_network_that_was_not_timed_is_left_out_of_the_picture() -> None:
    runs = runs_frame()
    latency = _latency_of(runs)
    latency.loc[latency.index[-1], "median_ms"] = float("nan")
    frame = accuracy_latency_frame(runs, latency)
    assert len(frame) == len(_latency_of(runs)) - 1
    first, second = (accuracy_latency_picture(runs, latency) for _ in range(2))
    assert first.png == second.png
    assert "a made-up CPU" in first.caption
