"""Tables: numbers, their text, and what happens to runs that failed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_search.report.candidates_table import candidates_table
from scaling_search.report.cells import interval_text, write_tables
from scaling_search.report.comparison_table import comparison_table
from scaling_search.report.tables import gains_table, rates_table
from tests.report.frames import SHARE_NAMES, runs_frame, search_frame


def test_the_comparison_has_a_row_a_network_the_base_first() -> None:
    table = comparison_table(runs_frame().sample(frac=1, random_state=0))
    assert list(table.numbers["method"][:3]) == ["base", "compound", "depth"]
    assert len(table.numbers) == 9
    assert set(table.numbers["n"]) == {3}


def test_top1_is_shown_with_its_interval_or_as_a_single_run() -> None:
    assert interval_text(87.346, 86.9, 87.8) == "87.35 [86.90, 87.80]"
    single = comparison_table(runs_frame(seeds=1)).shown
    assert single["test top-1 (%) [95\u00a0%]"].str.endswith("(single run)").all()


def test_what_rounding_left_over_is_shown() -> None:
    shown = comparison_table(runs_frame()).shown
    depth = shown[shown["method"] == "depth"].iloc[0]
    assert (depth["real growth ×"], depth["left over (%)"]) == ("2.16", "+8.0")


def test_failed_trainings_are_counted_by_reason() -> None:
    runs = runs_frame()
    hit = (runs["method"] == "depth") & (runs["phi"] == 2.0)
    runs.loc[hit, "status"] = ["out-of-memory", "diverged", "out-of-memory"]
    runs.loc[hit, ["test_top1", "validation_top1"]] = np.nan
    row = comparison_table(runs).shown.query("method == 'depth' and φ == '2'").iloc[0]
    assert row["not finished"] == "1 diverged, 2 out-of-memory"
    assert (row["n"], row["test top-1 (%) [95\u00a0%]"]) == ("0", "–")


def test_candidates_come_best_first_with_both_growths() -> None:
    table = candidates_table(search_frame())
    assert list(table.shown["note"][:4]) == [
        "best, chosen by validation",
        "tie with the best, chosen by validation",
        "tie with the best, chosen by validation",
        "chosen by validation",
    ]
    assert set(table.shown["note"][6:]) == {"–"}
    assert {"real growth ×", "nominal αβ²γ²"} <= set(table.shown.columns)
    assert table.numbers["validation_top1_percent"].iloc[0] == 80.0


def test_a_failed_candidate_shows_why() -> None:
    search = search_frame()
    search.loc[0, ["status", "validation_top1"]] = ("diverged", np.nan)
    assert "diverged" in set(candidates_table(search).shown["note"])


def test_gains_name_the_rival_and_the_verdict_in_words() -> None:
    shown = gains_table(runs_frame()).shown
    worse = shown.query("φ == '1' and rival == 'resolution alone'").iloc[0]
    assert worse["verdict"] == "compound is worse"
    assert worse["n"] == "3"
    assert worse["compound here is"] == "–"


def test_gains_say_where_compound_is_nearly_one_of_its_rivals_or_quite() -> None:
    runs = runs_frame()
    runs.loc[runs["method"] == "compound", list(SHARE_NAMES)] = [0.0, 0.06, 0.94]
    twins = (runs["method"] == "width") & (runs["phi"] == 1)
    runs.loc[twins, "fingerprint"] = "compound-1"
    said = gains_table(runs).shown.set_index(["φ", "rival"])["compound here is"]
    assert said["2", "resolution alone"] == "resolution alone but for 6 % of the growth"
    assert said["1", "width alone"] == "the same network as width alone"
    assert said["2", "depth alone"] == "–"


def test_gains_show_the_difference_as_built_beside_that_at_equal_cost() -> None:
    numbers = gains_table(runs_frame()).numbers.set_index(["phi", "rival"])
    shown = gains_table(runs_frame()).shown.set_index(["φ", "rival"])
    depth = numbers.to_dict("index")[1.0, "depth"]
    assert depth["raw_points"] != pytest.approx(depth["gain_points"], abs=0.01)
    assert shown.loc[("1", "depth alone"), "as built (points)"] == f"{depth['raw_points']:+.2f}"


def test_equivalence_and_small_gains_are_worded() -> None:
    runs = runs_frame(seeds=12, noise=0.001)
    compound = runs.loc[(runs["method"] == "compound") & (runs["phi"] == 1), "test_top1"]
    for rival, below in (("width", 0.0), ("resolution", 0.003)):
        at = (runs["method"] == rival) & (runs["phi"] == 1)
        runs.loc[at, ["test_top1", "growth"]] = np.column_stack([compound - below, [2.0] * 12])
    verdicts = gains_table(runs).shown.query("φ == '1'").set_index("rival")["verdict"]
    assert verdicts["width alone"] == "equal: less than 0.5 points apart"
    assert verdicts["resolution alone"] == "compound is better, by less than 0.5 points"


def test_a_rate_that_was_chosen_is_shown_beside_its_network() -> None:
    runs = runs_frame()
    assert "rate ×" not in comparison_table(runs).shown
    runs.loc[runs["method"] == "depth", "rate"] = 0.5
    shown = comparison_table(runs).shown.set_index(["method", "φ"])["rate ×"]
    assert (shown["depth", "1"], shown["compound", "1"]) == ("0.5", "1")


def test_the_rates_tried_are_a_table_with_the_chosen_one() -> None:
    tried = {
        **{"method": ["base"] * 2, "phi": [0.0] * 2, "network": ["micro"] * 2},
        **{"rate": [0.5, 1.0], "learning_rate": [0.05, 0.1], "n": [3, 2], "failed": [0, 1]},
        **{"validation_loss": [1.25, 1.5], "validation_top1": [0.61, 0.6]},
        "chosen": [True, False],
    }
    shown = rates_table(pd.DataFrame(tried)).shown
    assert list(shown["note"]) == ["chosen by validation", "–"]
    assert list(shown["validation top-1 (%)"]) == ["61.00", "60.00"]
    assert list(shown["failed"]) == ["0", "1"]


def test_csv_holds_whole_numbers_whole_and_markdown_aligns(tmp_path: Path) -> None:
    table = comparison_table(runs_frame())
    paths = write_tables([table], tmp_path)
    assert [path.name for path in paths] == ["comparison.csv", "comparison.md"]
    back = pd.read_csv(io.StringIO(paths[0].read_text(encoding="utf-8")))
    assert list(back["macs"]) == list(table.numbers["macs"])
    rule = paths[1].read_text(encoding="utf-8").splitlines()[1]
    assert rule.startswith("|:--")
    assert "--:|" in rule


def test_empty_frames_give_empty_tables() -> None:
    assert len(comparison_table(runs_frame().iloc[:0]).shown) == 0
    assert len(candidates_table(search_frame().iloc[:0]).shown) == 0
    assert gains_table(runs_frame().iloc[:0]).markdown.startswith("(no rows")
