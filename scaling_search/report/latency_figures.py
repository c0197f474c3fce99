"""Time in pictures: against MACs and activations with their fits, and accuracy against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from scaling_search.compare.methods import BASE
from scaling_search.core import plotting
from scaling_search.cost.latency_model import Feature, LatencyModel, PowerLaw, TimedNetwork
from scaling_search.report.figure_style import Picture, picture
from scaling_search.report.latency import accuracy_latency_frame
from scaling_search.report.method_styles import MethodStyle, looks_of, method_keys

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def latency_model_picture(points: Sequence[TimedNetwork], model: LatencyModel) -> Picture:
    """Draw time per image against MACs and against activations, each with its fitted power law."""

    looks = looks_of(point.axis for point in points)

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, law in zip(panels, (model.macs, model.activations), strict=True):
            _draw_law(axes, points, law, looks)
        panels[0].set_ylabel("time per image (ms)")
        figure.legend(handles=method_keys(looks), loc="outside lower center", ncols=3)

    return picture("latency_explained", model.sentence, (8.4, 4.6), draw)


def accuracy_latency_picture(runs: pd.DataFrame, latency: pd.DataFrame) -> Picture:
    """Draw test top-1 against time per image, one line a method, 95 % intervals of both."""
    frame = accuracy_latency_frame(runs, latency)
    looks = looks_of(frame["method"])
    machine, regime = (str(latency[name].iloc[0]) for name in ("machine", "regime"))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for method, look in looks.items():
            line = frame[frame["method"].isin([BASE, method])].sort_values("phi")
            _draw_accuracy(axes, method, look, line)
        axes.set(xscale="log", xlabel="time per image (ms)", ylabel="test top-1 (%)")
        _plain_ticks(axes.xaxis)
        figure.legend(handles=method_keys(looks), loc="outside lower center", ncols=3)

    caption = (
        f"Test top-1 against time per image on {machine} ({regime}). Lines join means over "
        "seeds, bars are 95 % intervals; on another device the order may differ."
    )
    return picture("accuracy_latency", caption, (7.2, 4.8), draw)


def _draw_law(
    axes: Any, points: Sequence[TimedNetwork], law: PowerLaw, looks: Mapping[str, MethodStyle]
) -> None:
    (feature,), (exponent,) = law.features, law.exponents
    for axis, look in looks.items():
        points_of_axis = [point for point in points if point.axis == axis]
        x = [_value(point, feature) for point in points_of_axis]
        y = [point.latency_ms for point in points_of_axis]
        axes.scatter(x, y, color=look.colour, marker=look.marker, s=34, zorder=3)
    ends = [limit(_value(point, feature) for point in points) for limit in (min, max)]
    line = [law.factor_ms * end**exponent for end in ends]
    axes.plot(ends, line, color="#666666", linewidth=1.4, zorder=2)
    name = "FLOPs (multiply-adds)" if feature == "macs" else "activations"
    low, high = law.lows[0], law.highs[0]
    title = f"exponent {exponent:.2f} [{low:.2f}, {high:.2f}], off by {law.held_out_percent:.0f} %"
    axes.set(xscale="log", yscale="log", xlabel=f"{name} of one image", title=title)
    axes.title.set_fontsize(10)
    for axis_ticks in (axes.xaxis, axes.yaxis):
        _plain_ticks(axis_ticks)


def _value(point: TimedNetwork, feature: Feature) -> int:
    return point.macs if feature == "macs" else point.activations


def _draw_accuracy(axes: Any, method: str, look: MethodStyle, line: pd.DataFrame) -> None:
    if method != BASE:
        stroke = {"color": look.colour, "linestyle": look.dash, "linewidth": 1.8}
        axes.plot(line["latency_ms"], line["mean"], **stroke)
    rows = line[line["method"] == method]
    axes.errorbar(
        rows["latency_ms"],
        rows["mean"],
        xerr=[
            rows["latency_ms"] - rows["latency_low_ms"],
            rows["latency_high_ms"] - rows["latency_ms"],
        ],
        yerr=(rows["high"] - rows["mean"]).fillna(0.0),
        color=look.colour,
        fmt=look.marker,
        capsize=3.5,
        markersize=6.5,
        zorder=4 if method == BASE else 3,
    )


def _plain_ticks(axis: Any) -> None:
    """Label a logarithmic axis 0.5, 2, 10, 2 M and the like, not in powers of ten."""
    axis.set_major_locator(plotting.LogLocator(subs=(1, 1.5, 2, 3, 5, 7), numticks=20))
    # No metric prefix below 1: "700 m" of a millisecond is nothing that people say.
    plain = plotting.EngFormatter()
    axis.set_major_formatter(lambda x, _: f"{x:g}" if x < 1000 else plain.format_eng(x))
    axis.set_minor_locator(plotting.NullLocator())
