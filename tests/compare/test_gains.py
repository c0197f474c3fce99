"""What compound scaling gains: rows, adjusted verdicts, and the sentence for each φ."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from scaling_search.compare.gains import GAIN_COLUMNS, gains, scores, verdict_sentences
from tests.report.frames import runs_frame


def runs_of(top1: dict[str, list[float]], phi: float = 1.0) -> pd.DataFrame:
    frame = runs_frame(seeds=len(next(iter(top1.values()))))
    frame = frame[(frame["phi"] == phi) & frame["method"].isin(list(top1))].copy()
    for method, values in top1.items():
        frame.loc[frame["method"] == method, "test_top1"] = values
    return frame


def test_gains_are_points_of_compound_over_each_rival_paired_by_seed():
    runs = runs_of({"compound": [0.80, 0.81, 0.82], "depth": [0.79, 0.79, 0.79]})
    (row,) = gains(runs).to_dict("records")
    assert row["gain_points"] == pytest.approx(2.0)
    assert row["high_points"] - 2.0 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-5)
    assert (row["rival"], row["n"], row["verdict"]) == ("depth", 3, "no difference found")
    assert (row["compound_growth"], row["rival_growth"]) == (2.0, pytest.approx(2.16))


def test_p_values_are_adjusted_over_the_rivals_of_one_phi():
    table = gains(runs_frame())
    at_two = table[table["phi"] == 2.0].sort_values("p_value")
    smallest = at_two.iloc[0]
    assert smallest["p_adjusted"] == pytest.approx(3 * smallest["p_value"])
    assert len(table) == 6


def test_a_rival_that_never_finished_is_not_compared_but_there():
    runs = runs_frame()
    runs.loc[runs["method"] == "width", ["status", "test_top1"]] = ["diverged", float("nan")]
    width = gains(runs).query("rival == 'width'")
    assert list(width["verdict"]) == ["not compared"] * 2
    assert list(width["n"]) == [0, 0]


def test_no_runs_give_an_empty_table_with_its_columns_and_no_sentence():
    empty = runs_frame().iloc[:0]
    assert list(gains(empty).columns) == list(GAIN_COLUMNS)
    assert verdict_sentences(empty) == []


def test_failed_runs_have_no_score():
    runs = runs_of({"compound": [0.80, 0.81]})
    runs.loc[runs["seed"] == 1, "status"] = "diverged"
    assert scores(runs, "compound") == {0: pytest.approx(80.0)}


def test_a_rival_that_wins_is_called_the_best():
    top1 = {"compound": [0.80, 0.81, 0.80], "resolution": [0.90, 0.91, 0.901]}
    assert verdict_sentences(runs_of(top1)) == [
        "At 2 × the base's cost (φ = 1), resolution alone is best here: 90.4 % test top-1, "
        "10.0 points above compound scaling (95 % interval 9.9 to 10.2, n = 3)."
    ]


def test_compound_that_wins_is_called_the_best():
    top1 = {"compound": [0.90, 0.91, 0.901], "depth": [0.80, 0.81, 0.80]}
    assert "compound scaling is best here" in verdict_sentences(runs_of(top1))[0]


def test_no_difference_is_a_result():
    top1 = {"compound": [0.80, 0.82, 0.81], "width": [0.81, 0.80, 0.82]}
    assert verdict_sentences(runs_of(top1)) == [
        "At 2 × the base's cost (φ = 1), no difference found between compound scaling and width "
        "alone."
    ]


def test_a_leader_that_beats_some_names_both_sides():
    top1 = {
        "compound": [0.80, 0.82, 0.81],
        "width": [0.81, 0.80, 0.815],
        "depth": [0.60, 0.61, 0.60],
    }
    sentence = verdict_sentences(runs_of(top1))[0]
    assert "compound scaling has the highest mean (81.0 %) and beats depth alone;" in sentence
    assert sentence.endswith("no difference found between it and width alone.")


def test_single_runs_are_said_to_prove_nothing():
    sentence = verdict_sentences(runs_of({"compound": [0.8], "width": [0.7]}))[0]
    assert sentence.endswith("but a single run proves nothing.")


def test_one_method_alone_is_not_compared():
    sentence = verdict_sentences(runs_of({"compound": [0.8, 0.81]}))[0]
    assert "nothing is compared" in sentence


def test_a_rival_that_is_the_compound_network_itself_is_named_so_and_not_compared():
    runs = runs_of({"compound": [0.80, 0.82], "width": [0.80, 0.82], "depth": [0.70, 0.71]})
    shape = ["depth", "width", "resolution", "px", "macs", "params", "activations"]
    compound = runs["method"] == "compound"
    runs.loc[runs["method"] == "width", shape] = runs.loc[compound, shape].to_numpy()
    assert gains(runs).set_index("rival")["verdict"]["width"] == "same network"
    (sentence,) = verdict_sentences(runs)
    assert "compound scaling (here the same network as width alone)" in sentence
    assert "between" not in sentence
