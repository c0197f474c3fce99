"""Time in the report as frames and a table: rows a network, points of a fit, accuracy and time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

import pandas as pd

from scaling_search.arch.spec import Architecture
from scaling_search.compare.gains import Row
from scaling_search.compare.networks import MethodAtPhi, Networks, finished
from scaling_search.cost.analytic import count
from scaling_search.cost.latency_model import GrowthWay, TimedNetwork
from scaling_search.cost.memory import peak_memory
from scaling_search.latency.result import Latency, NetworkTiming, Timed
from scaling_search.latency.sample_series import turns_of
from scaling_search.latency.summary import rank_intervals
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    interval_cell,
    number_cell,
    scaled_cell,
    shown_text,
)

PeakSource = Literal["measured", "simulated"]
_COLUMNS = (
    *("network", "fingerprint", "px", "macs", "params", "activations"),
    *("peak_bytes", "peak_source"),
    *("batch", "ratio", "ratio_low", "ratio_high", "rank_from", "rank_to"),
    *("median_ms", "low_ms", "high_ms", "iqr_ms", "min_ms", "p90_ms", "p99_ms"),
    *("n", "blocks", "processes", "images_per_s", "contention", "launch_bound"),
    *("stable", "flags", "note", "machine", "regime"),
)


def latency_frame(timed: Timed) -> pd.DataFrame:
    """One row a network of a timing: its costs, peak memory, time, images/s, and what to doubt.

    `peak_bytes` is the allocator's where a GPU kept account, else simulated, without workspace.
    What could not be timed has a row without times and the reason as its `flags`. Whose ratios
    overlap share ranks.
    """
    measured = [t for t in timed.timings if isinstance(t, Latency)]
    ranks = iter(rank_intervals(measured))
    networks = timed.job.networks
    rows = [
        {
            **_cost_cells(network, timing),
            **_time_cells(timing),
            **_rank_cells(next(ranks) if isinstance(timing, Latency) else None),
            "machine": timed.job.place.machine,
            "regime": timed.job.regime.words,
        }
        for network, timing in zip(networks, timed.timings, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def latency_table(frame: pd.DataFrame) -> Table:
    """The rows of `latency_frame`, worded."""
    return Table("latency", frame, shown_text(frame, _cells(frame)))


def points_of(timed: Timed, axes: Sequence[GrowthWay]) -> list[TimedNetwork]:
    """The timed networks as points of a fit; `axes` says how each of the job's networks grew.

    A time is the ratio to the anchor times the anchor's median over all processes, so that what
    slows a process down for a while does not enter the fit.
    """
    pairs = zip(axes, timed.job.networks, timed.timings, strict=True)
    anchor_ms = _anchor_ms(timed)
    points = []
    for axis, network, timing in pairs:
        if isinstance(timing, Latency) and timing.ratio is not None:
            cost, time = count(network), timing.ratio * anchor_ms
            points.append(TimedNetwork(network.name, axis, cost.macs, cost.activations, time))
    return points


def accuracy_latency_frame(runs: pd.DataFrame, latency: pd.DataFrame) -> pd.DataFrame:
    """One row a method and φ of `runs` whose network was timed: mean test top-1 and time per image.

    Networks are matched by fingerprint, for two methods may come to one network. Accuracy is in
    percent with its 95 % interval, `latency_ms` is per image.
    """
    columns = ["fingerprint", "batch", "median_ms", "low_ms", "high_ms"]
    joined = finished(runs).merge(latency.dropna(subset=["median_ms"])[columns], on="fingerprint")
    networks = Networks.of(runs)
    rows = [
        _accuracy_row(networks, (str(method), float(str(phi))), group)
        for (method, phi), group in joined.groupby(["method", "phi"], sort=True)
    ]
    return pd.DataFrame(rows, columns=list(_ACCURACY_COLUMNS))


_ACCURACY_COLUMNS = (
    *("method", "phi", "latency_ms", "latency_low_ms", "latency_high_ms"),
    *("mean", "low", "high", "n"),
)


def _anchor_ms(timed: Timed) -> float:
    """The anchor's median time per image; nan where it could not be timed."""
    times = [time for sitting in timed.sittings for time in turns_of(sitting, 0).all_ms]
    return median(times) / timed.sittings[0].seats[0].batch if times else math.nan


def _cost_cells(network: Architecture, timing: NetworkTiming) -> dict[str, object]:
    cost, peak = count(network), None
    source: PeakSource = "measured"
    if isinstance(timing, Latency):
        peak, regime = timing.peak_bytes, timing.regime
        if peak is None:
            source = "simulated"
            peak = peak_memory(network, regime.task, timing.batch, regime.precision).total_bytes
    return {
        "network": network.name,
        "fingerprint": network.fingerprint,
        "px": network.resolution_px,
        **{"macs": cost.macs, "params": cost.params, "activations": cost.activations},
        **{"peak_bytes": peak, "peak_source": source if peak is not None else ""},
    }


def _time_cells(timing: NetworkTiming) -> dict[str, object]:
    if not isinstance(timing, Latency):
        return {"stable": False, "flags": timing.reason}
    values = {name: getattr(timing, name) for name in _COLUMNS if hasattr(timing, name)}
    other_cells = {"network", "px", "peak_bytes", "regime"}
    flags = "; ".join(f"{flag.reason} ({flag.detail})" for flag in timing.flags)
    return {**{name: values[name] for name in values if name not in other_cells}, "flags": flags}


def _rank_cells(rank: tuple[int, int] | None) -> dict[str, object]:
    return dict(zip(("rank_from", "rank_to"), rank, strict=True)) if rank else {}


def _cells(numbers: pd.DataFrame) -> Cells:
    return {
        "network": lambda row: str(row["network"]),
        "side (px)": number_cell("px", "d"),
        **scaled_cell(numbers, "macs", "MACs"),
        **scaled_cell(numbers, "params", "params"),
        **scaled_cell(numbers, "activations", "activations"),
        "peak memory (MB)": lambda row: _mb_text(row),
        "batch": number_cell("batch", "d"),
        "time ÷ anchor's [95\u00a0%]": interval_cell(("ratio", "ratio_low", "ratio_high"), ".3f"),
        "rank": _rank_text,
        "median (ms) [95\u00a0%]": interval_cell(("median_ms", "low_ms", "high_ms"), ".3g"),
        "images/s": number_cell("images_per_s", ".1f"),
        "n": number_cell("n", "d"),
        "unstable": lambda row: str(row["flags"]) or DASH,
    }


def _mb_text(row: Row) -> str:
    text = number_cell("peak_mb", ".1f")({"peak_mb": _float(row["peak_bytes"]) / 1e6})
    return f"{text} (simulated)" if row["peak_source"] == "simulated" else text


def _rank_text(row: Row) -> str:
    first, last = (number_cell(name, "d")(row) for name in ("rank_from", "rank_to"))
    return first if first == last else f"{first}–{last}"


def _float(value: object) -> float:
    return float("nan") if value is None else float(str(value))


def _accuracy_row(networks: Networks, key: MethodAtPhi, group: pd.DataFrame) -> dict[str, object]:
    (method, phi), score = key, networks.interval(key)
    first = group.iloc[0]
    names = ("median_ms", "low_ms", "high_ms")
    time, low, high = (float(first[name]) / float(first["batch"]) for name in names)
    return {
        **{"method": method, "phi": phi, "latency_ms": time},
        **{"latency_low_ms": low, "latency_high_ms": high},
        **{"mean": score.mean, "low": score.low, "high": score.high, "n": score.n},
    }
