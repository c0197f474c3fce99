"""The table of the search: one row a candidate."""

from __future__ import annotations

import pandas as pd

from scaling_search.compare.gains import Row
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    as_float,
    interval_cell,
    number_cell,
    scaled_cell,
    shown_text,
)
from scaling_search.report.tables import CHOSEN


def candidates_table(search: pd.DataFrame) -> Table:
    """One row a candidate, the best first, then its ties, then by rung and accuracy."""
    keys = ["best", "tie", "rung", "validation_top1"]
    numbers = search.sort_values(keys, ascending=False, kind="stable") if len(search) else search
    numbers = numbers.reindex(columns=list(_CANDIDATE_COLUMNS)).reset_index(drop=True)
    for fraction, percent in (("validation_top1", "validation_top1_percent"), ("sd", "sd_points")):
        numbers[fraction] = 100 * numbers[fraction].astype(float)
        numbers = numbers.rename(columns={fraction: percent})
    return Table("candidates", numbers, shown_text(numbers, _candidate_cells(numbers)))


_CANDIDATE_COLUMNS = (
    *("network", "alpha", "beta", "gamma", "alpha_low", "alpha_high", "beta_low", "beta_high"),
    *("gamma_low", "gamma_high", "depth_repeats", "px", "macs", "growth", "nominal_growth"),
    *("rung", "epochs", "n", "validation_top1", "sd", "p_best", "tie", "best", "status"),
)


def _candidate_cells(numbers: pd.DataFrame) -> Cells:
    last_rung = float(numbers["rung"].max()) if len(numbers) else 0.0
    return {
        "network": lambda row: str(row["network"]),
        "α (depth)": interval_cell(("alpha", "alpha_low", "alpha_high")),
        "β (width)": interval_cell(("beta", "beta_low", "beta_high")),
        "γ (resolution)": interval_cell(("gamma", "gamma_low", "gamma_high")),
        "repeats": lambda row: str(row["depth_repeats"]),
        "side (px)": number_cell("px", "d"),
        **scaled_cell(numbers, "macs", "MACs"),
        "real growth ×": number_cell("growth", ".2f"),
        "nominal αβ²γ²": number_cell("nominal_growth", ".2f"),
        "rung": lambda row: f"{as_float(row['rung']) + 1:.0f}",
        "epochs": number_cell("epochs", "g"),
        "n": number_cell("n", "d"),
        "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
        "sd (points)": number_cell("sd_points", ".2f"),
        "P(best)": number_cell("p_best", ".2f"),
        "note": lambda row: _candidate_note(row, last_rung),
    }


def _candidate_note(row: Row, last_rung: float) -> str:
    """A score by which a network was chosen is flattering: it won by its luck too."""
    if row["status"] != "finished":
        return str(row["status"])
    standing = "best" if row["best"] else "tie with the best" if row["tie"] else ""
    chosen = CHOSEN if row["best"] or as_float(row["rung"]) == last_rung > 0 else ""
    return ", ".join(filter(None, (standing, chosen))) or DASH
