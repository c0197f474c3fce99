"""Figures for a paper: the page's numbers, told apart without colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from scaling_search.core.errors import UserError
from scaling_search.report.page_data import page_data
from scaling_search.report.page_frames import NetworkDetails, PageFrames
from scaling_search.report.paper_figures import draw_accuracy, draw_curves, with_methods
from tests.report.frames import curves_frame, runs_frame, search_frame


def data(title: str = "first", **other: Any) -> dict[str, Any]:
    return page_data(PageFrames(title, runs_frame(), search_frame()[:0], curves_frame(), **other))


def lines(axes: Any) -> dict[tuple[float, ...], Any]:
    """The drawn lines by their heights."""
    return {
        tuple(np.round(np.asarray(line.get_ydata(), dtype=float), 4)): line for line in axes.lines
    }


def test_a_line_a_method_leads_from_the_base_through_its_means() -> None:
    axes, run = Figure().subplots(), data()
    draw_accuracy(axes, [run], "params", "paper")
    top1 = {each["key"]: each["top1"] for each in run["networks"]}
    width = [top1[key] for key in ("base-phi0", "width-phi1", "width-phi2")]
    (line,) = [
        lines(axes)[heights] for heights in lines(axes) if heights == tuple(np.round(width, 4))
    ]
    params = [
        each["costs"]["params"] for each in run["networks"] if each["method"] in ("base", "width")
    ]
    assert list(line.get_xdata()) == params
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "parameters"


def test_bars_are_the_intervals_of_the_page() -> None:
    axes, run = Figure().subplots(), with_methods(data(), ["width"])
    draw_accuracy(axes, [run], "macs", "paper")
    bars = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert len(bars) == len(axes.collections)
    ends = {
        (round(low, 4), round(high, 4))
        for bar in bars
        for (_, low), (_, high) in bar.get_segments()
    }
    assert ends == {(round(n["low"], 4), round(n["high"], 4)) for n in run["networks"]}


def test_methods_differ_in_marker_and_dash_and_runs_in_fill() -> None:
    axes = Figure().subplots()
    keys = draw_accuracy(axes, [data(), data("second")], "macs", "paper")
    methods, runs = keys[:5], keys[5:]
    assert len({key.get_marker() for key in methods}) == 5
    assert [key.get_label() for key in runs] == ["first", "second"]
    assert [key.get_fillstyle() for key in runs] == ["full", "none"]
    bars = [each for each in axes.containers if isinstance(each, ErrorbarContainer)]
    assert len(bars) == len(axes.containers)
    faces = [bar.lines[0].get_markerfacecolor() for bar in bars]
    assert faces[:5].count("white") == 0
    assert faces[5:] == ["white"] * 5


def test_methods_can_be_left_out() -> None:
    keys = draw_accuracy(Figure().subplots(), [with_methods(data(), ["compound"])], "macs", "paper")
    assert [key.get_label() for key in keys] == ["the base network", "compound scaling"]


def test_curves_are_those_of_the_largest_phi() -> None:
    axes, run = Figure().subplots(), data()
    draw_curves(axes, [run], "talk")
    assert len(axes.lines) == 5
    top1 = {each["key"]: each["curves"]["validation_top1"]["mean"] for each in run["networks"]}
    assert tuple(np.round(top1["depth-phi2"], 4)) in lines(axes)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ("latency", "first: it has macs, params, activations, seconds"),
        ("flops", "x must be one of macs, params, activations, latency, seconds, memory"),
    ],
)
def test_an_axis_that_is_not_there_is_a_line_that_says_which_are(x: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        draw_accuracy(Figure().subplots(), [data()], x, "paper")


def test_runs_that_were_measured_otherwise_share_no_axis() -> None:
    peaks = dict.fromkeys(runs_frame()["fingerprint"], 1024)
    first, other = (
        data(details=NetworkDetails(peaks=peaks, task=task)) for task in ("inference", "training")
    )
    with pytest.raises(UserError, match=r"measured alike, got .*inference.* and .*training"):
        draw_accuracy(Figure().subplots(), [first, other], "memory", "paper")


def test_an_unknown_method_is_a_line_that_names_the_others() -> None:
    with pytest.raises(
        UserError, match="among base, compound, depth, width, resolution, got 'deep'"
    ):
        with_methods(data(), ["deep"])
