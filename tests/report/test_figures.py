"""Figures: the data behind them, and files that redraw byte-identical."""

from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from scaling_search.report.figures import (
    COSTS,
    accuracy_dots,
    accuracy_lines,
    accuracy_picture,
    curves_picture,
    gate_picture,
    learning_curves,
)
from scaling_search.report.search_landscape import _draw_candidates, landscape, landscape_picture
from tests.report.frames import curves_frame, gate_frame, runs_frame, search_frame

PNG = b"\x89PNG"


def test_every_line_starts_at_the_shared_base() -> None:
    lines = accuracy_lines(runs_frame(), "macs")
    starts = lines.groupby("method").first()
    assert len(starts) == 4
    assert set(starts["cost"]) == {1_400_000}
    assert starts["mean"].nunique() == 1


def test_lines_carry_means_in_percent_with_their_intervals() -> None:
    runs = runs_frame()
    lines = accuracy_lines(runs, "params").set_index(["method", "phi"])
    top1_of_width = runs[(runs["method"] == "width") & (runs["phi"] == 2.0)]["test_top1"]
    point = lines.to_dict("index")["width", 2.0]
    assert point["mean"] == pytest.approx(100 * top1_of_width.mean())
    # Nine networks of three trainings: 18 degrees of freedom, t = 2.100922.
    groups = runs.groupby(["method", "phi"])["test_top1"]
    sd = 100 * math.sqrt((groups.var() * 2).sum() / 18)
    half = 2.100922 * sd / math.sqrt(3)
    assert point["high"] - point["mean"] == pytest.approx(half, rel=1e-6)


def test_failed_runs_are_no_dots() -> None:
    runs = runs_frame()
    runs.loc[0, ["status", "test_top1"]] = ("diverged", np.nan)
    assert len(accuracy_dots(runs, "macs")) == len(runs) - 1


def test_curves_are_means_over_seeds() -> None:
    means = learning_curves(curves_frame(epochs=4))
    assert set(means["n"]) == {3}
    assert len(means) == 9 * 4


def test_epochs_without_validation_are_left_out() -> None:
    curves = curves_frame(epochs=4)
    curves.loc[curves["epoch"] == 2, "validation_top1"] = np.nan
    assert set(learning_curves(curves)["epoch"]) == {1, 3, 4}


def test_shares_add_up_to_one_and_corners_are_single_axes() -> None:
    search = search_frame(3)
    columns = ["depth_share", "width_share", "resolution_share"]
    search["alpha"] = [2.0, 1.0, 1.5]
    search[columns] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    places = landscape(search).set_index("alpha")
    assert places[columns].sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert tuple(places.loc[2, ["x", "y"]]) == pytest.approx((0.0, 0.0))
    assert places[columns].max(axis=1).to_numpy() == pytest.approx(1.0)


def test_the_best_lies_on_top_of_the_neighbours_that_would_cover_it() -> None:
    frame = search_frame(9)
    frame["rung"] = 0
    frame["best"] = [place == 3 for place in range(len(frame))]
    places = landscape(frame)
    axes = Figure().subplots()
    drawn = _draw_candidates(axes, places)
    best = places.loc[places["best"], ["x", "y"]].to_numpy()[0]
    assert drawn.get_offsets()[-1].tolist() == best.tolist()


def test_failed_candidates_have_no_place() -> None:
    search = search_frame(10)
    search.loc[0, ["status", "validation_top1"]] = ("diverged", np.nan)
    assert len(landscape(search)) == 9


def test_a_redraw_is_byte_identical() -> None:
    first, second = (accuracy_picture(runs_frame(), "macs") for _ in range(2))
    assert first.png == second.png
    assert first.svg == second.svg
    assert first.png.startswith(PNG)
    one, two = (landscape_picture(search_frame()) for _ in range(2))
    assert one.svg == two.svg


def test_cost_is_called_flops_on_its_axis_alone() -> None:
    drawn = {cost: accuracy_picture(runs_frame(), cost) for cost in COSTS}
    assert "FLOPs (multiply-adds)" in drawn["macs"].caption
    assert "FLOPs" not in drawn["params"].caption + drawn["activations"].caption


@pytest.mark.parametrize("candidates", [1, 5, 80])
def test_few_and_many_candidates_are_drawn(candidates: int) -> None:
    assert landscape_picture(search_frame(candidates, finalists=1)).png.startswith(PNG)


def test_a_base_alone_and_single_runs_are_drawn() -> None:
    runs = runs_frame(seeds=1)
    assert accuracy_picture(runs, "macs").png.startswith(PNG)
    assert accuracy_picture(runs[runs["phi"] == 0], "macs").png.startswith(PNG)
    base = curves_frame(epochs=1).query("method == 'base'")
    assert curves_picture(base).png.startswith(PNG)


def test_the_gates_picture_draws_the_base_and_each_axis_and_redraws_the_same() -> None:
    gate = gate_frame()
    drawn = gate_picture(gate)
    assert drawn.png.startswith(PNG)
    assert gate_picture(gate) == drawn
    assert gate_picture(gate[gate["method"] != "base"]) != drawn


def test_the_gates_picture_is_drawn_of_a_single_training() -> None:
    assert gate_picture(gate_frame().head(1)).png.startswith(PNG)
