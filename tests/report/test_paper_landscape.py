"""The search landscape for a paper: the candidates of the page, told apart without colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from scaling_search.core.errors import UserError
from scaling_search.report.page_data import page_data
from scaling_search.report.page_frames import PageFrames
from scaling_search.report.paper_landscape import draw_landscape
from tests.report.frames import curves_frame, runs_frame, search_frame


def data(candidates: int = 30) -> dict[str, Any]:
    searched = search_frame()[:candidates]
    return page_data(PageFrames("first", runs_frame(), searched, curves_frame()))


def test_each_candidate_lies_at_its_shares_with_the_colour_of_its_accuracy() -> None:
    axes, run = Figure().subplots(), data()
    draw_landscape(axes, [run], "paper")
    placed = {
        (x, y): top1
        for dots in axes.collections
        for (x, y), top1 in zip(
            np.asarray(dots.get_offsets()), np.asarray(dots.get_array()), strict=True
        )
    }
    for candidate in run["candidates"]:
        _, width, resolution = candidate["shares"]
        at = width + resolution / 2, resolution * 3**0.5 / 2
        (top1,) = [accuracy for place, accuracy in placed.items() if np.allclose(place, at)]
        assert top1 == candidate["top1"]
    limits = {dots.get_clim() for dots in axes.collections}
    assert limits == {(min(placed.values()), max(placed.values()))}


def test_rungs_differ_in_marker_and_the_best_and_its_ties_in_their_edge() -> None:
    axes, run = Figure().subplots(), data()
    keys = draw_landscape(axes, [run], "paper")
    assert [key.get_label() for key in keys] == [
        *("rung 1, 3 epochs", "rung 2, 9 epochs", "the best", "can't be told from the best")
    ]
    assert len({key.get_marker() for key in keys[:2]}) == 2
    final = axes.collections[-1]
    dark = [to_hex(edge) == "#000000" for edge in np.asarray(final.get_edgecolor())]
    assert sum(dark) == 3  # the best and two ties
    assert np.argmax(final.get_linewidth()) == len(dark) - 1  # the best lies on top


def test_a_search_that_trained_none_and_two_runs_are_lines() -> None:
    with pytest.raises(UserError, match="the landscape of first needs trained candidates, got 0"):
        draw_landscape(Figure().subplots(), [data(0)], "paper")
    with pytest.raises(UserError, match="a landscape shows 1 run, got 2: draw a figure of each"):
        draw_landscape(Figure().subplots(), [data(), data()], "paper")
