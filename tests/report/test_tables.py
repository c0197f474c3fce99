"""Tables: numbers, their text, and what happens to runs that failed."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from scaling_search.report.table import interval_text, write_tables
from scaling_search.report.tables import (
    candidates_table,
    comparison_table,
    gains_table,
)
from tests.report.frames import runs_frame, search_frame


def test_the_comparison_has_a_row_a_network_the_base_first():
    table = comparison_table(runs_frame().sample(frac=1, random_state=0))
    assert list(table.numbers["method"][:3]) == ["base", "compound", "depth"]
    assert len(table.numbers) == 9
    assert set(table.numbers["n"]) == {3}


def test_top1_is_shown_with_its_interval_or_as_a_single_run():
    assert interval_text(87.346, 86.9, 87.8) == "87.35 [86.90, 87.80]"
    single = comparison_table(runs_frame(seeds=1)).shown
    assert single["test top-1 (%) [95\u00a0%]"].str.endswith("(single run)").all()


def test_what_rounding_left_over_is_shown():
    shown = comparison_table(runs_frame()).shown
    depth = shown[shown["method"] == "depth"].iloc[0]
    assert (depth["real growth ×"], depth["left over (%)"]) == ("2.16", "+8.0")


def test_failed_trainings_are_counted_by_reason():
    runs = runs_frame()
    hit = (runs["method"] == "depth") & (runs["phi"] == 2.0)
    runs.loc[hit, "status"] = ["out-of-memory", "diverged", "out-of-memory"]
    runs.loc[hit, ["test_top1", "validation_top1"]] = np.nan
    row = comparison_table(runs).shown.query("method == 'depth' and φ == '2'").iloc[0]
    assert row["not finished"] == "1 diverged, 2 out-of-memory"
    assert (row["n"], row["test top-1 (%) [95\u00a0%]"]) == ("0", "–")


def test_candidates_come_best_first_with_both_growths():
    table = candidates_table(search_frame())
    assert list(table.shown["note"][:4]) == ["best", "tie with the best", "tie with the best", "–"]
    assert {"real growth ×", "nominal αβ²γ²"} <= set(table.shown.columns)
    assert table.numbers["validation_top1_percent"].iloc[0] == 80.0


def test_a_failed_candidate_shows_why():
    search = search_frame()
    search.loc[0, ["status", "validation_top1"]] = ["diverged", np.nan]
    assert "diverged" in set(candidates_table(search).shown["note"])


def test_gains_name_the_rival_and_the_verdict_in_words():
    shown = gains_table(runs_frame()).shown
    worse = shown.query("φ == '1' and rival == 'resolution alone'").iloc[0]
    assert worse["verdict"] == "compound is worse"


def test_csv_holds_whole_numbers_whole_and_markdown_aligns(tmp_path):
    table = comparison_table(runs_frame())
    paths = write_tables([table], tmp_path)
    assert [path.name for path in paths] == ["comparison.csv", "comparison.md"]
    back = pd.read_csv(io.StringIO(paths[0].read_text(encoding="utf-8")))
    assert list(back["macs"]) == list(table.numbers["macs"])
    rule = paths[1].read_text(encoding="utf-8").splitlines()[1]
    assert rule.startswith("|:--")
    assert "--:|" in rule


def test_empty_frames_give_empty_tables():
    assert len(comparison_table(runs_frame().iloc[:0]).shown) == 0
    assert len(candidates_table(search_frame().iloc[:0]).shown) == 0
    assert gains_table(runs_frame().iloc[:0]).markdown.startswith("(no rows")
