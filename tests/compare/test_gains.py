"""What compound scaling gains over each rival: at equal cost, and all intervals together."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from scaling_search.compare.gains import GAIN_COLUMNS, gains
from tests.compare.runs import runs_of
from tests.report.frames import runs_frame

BASE, COMPOUND, DEPTH, WIDTH = ("base", 0.0), ("compound", 1.0), ("depth", 1.0), ("width", 1.0)
TOP1 = {BASE: [60.0, 61.0, 62.0], COMPOUND: [70.0, 72.0, 74.0], DEPTH: [65.0, 66.0, 67.0]}


def only(runs: pd.DataFrame) -> dict[str, object]:
    (row,) = gains(runs).to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_at_equal_cost_a_gain_is_the_difference_of_the_means() -> None:
    # Squares 2, 8 and 2 over six degrees of freedom: variance 2, t₆ = 2.446912.
    row = only(runs_of(TOP1))
    assert row["gain_points"] == row["raw_points"] == pytest.approx(6.0)
    assert row["high_points"] == pytest.approx(6 + 2.446912 * math.sqrt(2 * 2 / 3), rel=1e-6)
    assert (row["rival"], row["n_compound"], row["n_rival"]) == ("depth", 3, 3)
    assert row["verdict"] == "better"


def test_a_rival_that_cost_less_is_read_at_compounds_cost() -> None:
    # From the base's 61 at 1 to 66 at √2 it gains 10 points a doubling: 71 at 2.
    row = only(runs_of(TOP1, {DEPTH: 2**0.5}))
    assert row["raw_points"] == pytest.approx(6.0)
    assert row["gain_points"] == pytest.approx(72.0 - 71.0)
    # Weights 1, −2 and +1: a variance of 6/3 of one training's.
    assert row["high_points"] == pytest.approx(1 + 2.446912 * math.sqrt(2 * 6 / 3), rel=1e-6)
    assert row["verdict"] == "no difference found"


def test_failed_seeds_leave_the_rest_compared() -> None:
    runs = runs_of({**TOP1, DEPTH: [65.0, 66.0, 67.0, 99.0]})
    runs.loc[runs["test_top1"] == 0.99, ["status", "test_top1"]] = ("diverged", math.nan)
    row = only(runs[~((runs["method"] == "compound") & (runs["seed"] == 1002))])
    assert (row["n_compound"], row["n_rival"]) == (2, 3)
    assert row["gain_points"] == pytest.approx(5.0)
    # Squares 2, 2 and 2 over five degrees of freedom, t₅ = 2.570582.
    half = 2.570582 * math.sqrt(6 / 5 * (1 / 2 + 1 / 3))
    assert row["high_points"] == pytest.approx(5 + half, rel=1e-6)


def test_every_rival_and_phi_of_a_report_is_adjusted_for_all_others() -> None:
    table = gains(runs_frame())
    assert len(table) == 6
    assert (table["p_adjusted"] >= table["p_value"]).all()
    assert (table["p_adjusted"] <= 6 * table["p_value"]).all()


def test_more_rivals_make_the_same_gain_less_sure() -> None:
    both = {**TOP1, WIDTH: [64.0, 66.0, 68.0]}
    table, alone = gains(runs_of(both)), only(runs_of({**TOP1, ("other", 9.0): both[WIDTH]}))
    depth = table.set_index("rival").loc["depth"]
    assert depth["p_value"] == pytest.approx(float(str(alone["p_value"])))
    assert depth["p_adjusted"] > float(str(alone["p_adjusted"]))
    assert depth["high_points"] > float(str(alone["high_points"]))


def test_within_half_a_point_on_both_sides_they_are_equivalent() -> None:
    near = {COMPOUND: [70.0, 70.1, 70.2] * 3, DEPTH: [70.1, 70.0, 70.2] * 3}
    row = only(runs_of({BASE: [60.0, 60.1, 60.2] * 3, **near}))
    assert row["verdict"] == "no difference found"
    assert row["equivalent"]
    assert not only(runs_of(TOP1))["equivalent"]


def test_growth_below_the_base_is_compared_too() -> None:
    smaller = {BASE: TOP1[BASE], ("compound", -1.0): [50.0, 51.0], ("depth", -1.0): [40.0, 41.0]}
    row = only(runs_of(smaller))
    assert (row["phi"], row["growth_target"], row["gain_points"]) == (-1.0, 0.5, 10.0)


def test_a_rival_that_never_finished_is_not_compared_but_there() -> None:
    runs = runs_frame()
    runs.loc[runs["method"] == "width", ["status", "test_top1"]] = ("diverged", math.nan)
    width = gains(runs).query("rival == 'width'")
    assert list(width["verdict"]) == ["not compared"] * 2
    assert list(width["n_rival"]) == [0, 0]
    assert width["gain_points"].isna().all()


def test_single_runs_have_a_gain_and_no_interval() -> None:
    row = only(runs_of({**TOP1, DEPTH: [66.0]}))
    assert row["gain_points"] == pytest.approx(6.0)
    assert row["verdict"] == "single run"
    assert math.isnan(float(str(row["low_points"])))
    assert math.isnan(float(str(row["p_adjusted"])))


def test_a_single_run_takes_no_part_in_the_adjustment() -> None:
    lone = gains(runs_of({**TOP1, WIDTH: [64.0]})).set_index("rival").loc["depth"]
    assert lone["p_adjusted"] == pytest.approx(lone["p_value"])


def test_a_rival_that_is_the_compound_network_itself_is_not_compared() -> None:
    runs = runs_of({**TOP1, WIDTH: TOP1[COMPOUND]})
    runs.loc[runs["method"] == "width", "fingerprint"] = "compound 1"
    width = gains(runs).set_index("rival").to_dict("index")["width"]
    assert width["verdict"] == "same network"
    assert math.isnan(width["gain_points"])


def test_how_far_the_rivals_growth_is_shared_otherwise_is_told() -> None:
    runs = runs_of({**TOP1, WIDTH: [64.0, 66.0]}, shares={"compound": (0.0, 0.95, 0.05)})
    apart = gains(runs).set_index("rival")["shares_apart"]
    assert apart["width"] == pytest.approx(0.05)
    assert apart["depth"] == pytest.approx(1.0)


def test_no_runs_give_an_empty_table_with_its_columns() -> None:
    assert list(gains(runs_frame().iloc[:0]).columns) == list(GAIN_COLUMNS)
    assert not len(gains(runs_frame().query("method != 'compound'")))
