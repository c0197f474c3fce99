"""The Pareto front as a frame, a table and a picture."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from scaling_search.report.pareto import (
    dominated_share,
    pareto,
    pareto_picture,
    pareto_table,
    spaced_heights,
)
from tests.report.frames import search_frame

COST, LABEL = "activations", "activations (outputs of convolutions)"
# top-1 and activations; the front is c, a and d: b is dearer than a and less accurate.
ROWS = {"a": (0.70, 90e3), "b": (0.65, 95e3), "c": (0.60, 80e3), "d": (0.80, 100e3)}


def searched(rows: dict[str, tuple[float, float]] = ROWS) -> pd.DataFrame:
    """Candidates of one rung with these accuracies and costs."""
    search = search_frame(len(rows), finalists=len(rows))
    search["network"] = list(rows)
    search[["validation_top1", COST]] = list(rows.values())
    return search


def rising(candidates: int) -> pd.DataFrame:
    """A search of which every candidate is on the front, all accuracies close together."""
    steps = range(candidates)
    return searched({f"n{i}": (0.7 + 0.0005 * i, 80e3 + 10 * i) for i in steps})


def test_the_front_comes_first_from_the_cheapest_then_the_rest() -> None:
    frame = pareto(searched(), COST)
    assert list(frame["network"]) == ["c", "a", "d", "b"]
    assert list(frame["on_front"]) == [True, True, True, False]


def test_accuracies_are_percent_and_spreads_points() -> None:
    first = pareto(searched(), COST).iloc[0]
    assert first["top1_percent"] == pytest.approx(60.0)
    assert first["sd_points"] == pytest.approx(1.1)


def test_a_candidate_of_a_lower_rung_neither_beats_nor_joins_the_front() -> None:
    search = searched({**ROWS, "short": (0.9, 70e3)})
    search.loc[search["network"] == "short", "rung"] = 0
    frame = pareto(search, COST).set_index("network")
    assert not frame.loc["short", "compared"]
    assert list(frame.index[frame["on_front"]]) == ["c", "a", "d"]
    shown = pareto_table(search, COST, LABEL).shown.set_index("network")
    assert shown.loc["short", "on the front"] == "not compared"


def test_what_failed_or_has_no_cost_is_left_out() -> None:
    search = searched()
    search.loc[search["network"] == "a", ["status", "validation_top1"]] = ("diverged", np.nan)
    search.loc[search["network"] == "d", COST] = np.nan
    assert list(pareto(search, COST)["network"]) == ["c", "b"]


def test_where_all_failed_there_is_an_empty_table() -> None:
    search = searched().assign(status="diverged", validation_top1=np.nan)
    assert pareto(search, COST).empty
    assert "no rows" in pareto_table(search, COST, LABEL).markdown
    assert dominated_share(pareto(search, COST), COST) == 0.0


def test_the_share_is_the_area_of_the_steps_over_the_rectangle() -> None:
    # Above 60 % and below 100 k: 10 points · 10 k, of 20 points · 20 k.
    assert dominated_share(pareto(searched(), COST), COST) == pytest.approx(0.25)


def test_one_best_in_both_dominates_all_and_two_extremes_nothing() -> None:
    candidates = searched({"a": (0.9, 10.0), "b": (0.5, 20.0)})
    ends = searched({"a": (0.9, 20.0), "b": (0.5, 10.0)})
    assert dominated_share(pareto(candidates, COST), COST) == pytest.approx(1.0)
    assert dominated_share(pareto(ends, COST), COST) == 0.0


def test_counts_are_scaled_and_milliseconds_are_not() -> None:
    counted = pareto_table(searched(), COST, "activations").shown
    assert list(counted["activations (k)"]) == ["80.00", "90.00", "100.00", "95.00"]
    search = searched().assign(latency_ms=[0.5, 0.625, 2.0, 0.25])
    timed = pareto_table(search, "latency_ms", "time per image (ms)").shown
    assert "0.625" in set(timed["time per image (ms)"])


def test_names_keep_their_distance_and_their_order() -> None:
    heights = spaced_heights([0.5, 0.5, 0.52, 0.99, 1.0], gap=0.1)
    assert all(b - a > 0.1 - 1e-9 for a, b in pairwise(heights))
    assert heights[0] == 0.5
    assert heights[-1] == 1.0


def test_names_that_are_far_enough_apart_stay_where_they_are() -> None:
    assert spaced_heights([0.1, 0.4, 0.9], gap=0.1) == [0.1, 0.4, 0.9]


@pytest.mark.parametrize(("front", "named"), [(1, 1), (5, 5), (12, 12), (40, 12)])
def test_names_on_the_picture_never_overlap(front: int, named: int) -> None:
    svg = pareto_picture(rising(front), COST, LABEL).svg.decode()
    heights = sorted(float(y) for y in re.findall(r"<!-- α .*?translate\(\S+ (\S+)\)", svg, re.S))
    assert len(heights) == named
    assert all(below - above > 8.5 for above, below in pairwise(heights))  # points, as the font


def test_the_picture_says_what_it_compares() -> None:
    caption = pareto_picture(searched(), COST, LABEL).caption
    assert "compared (4, of 9 epochs); the front dominates 25% of the rectangle" in caption


def test_a_redraw_is_byte_identical() -> None:
    first, second = (
        pareto_picture(search_frame().assign(latency_ms=1.0), "latency_ms", "time")
        for _ in range(2)
    )
    assert first.png == second.png
    assert first.svg == second.svg
