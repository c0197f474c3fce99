"""The check of φ = 1's constants at a larger φ: its table, and what it says in one sentence."""

from __future__ import annotations

import math

import pandas as pd

from scaling_search.report.table import (
    DASH,
    Cells,
    Row,
    Table,
    as_float,
    interval_cell,
    number_cell,
    scaled_cell,
    shown_text,
)


def check_table(check: pd.DataFrame) -> Table:
    """One row a candidate that ties at φ = 1, the best at the larger φ first."""
    numbers = check.copy()
    numbers["validation_top1"] = 100 * numbers["validation_top1"].astype(float)
    numbers = numbers.rename(columns={"validation_top1": "validation_top1_percent"})
    return Table("check", numbers, shown_text(numbers, _cells(numbers)))


def check_sentence(check: pd.DataFrame) -> str:
    """Whether the winner of φ = 1 is still among the best at the larger φ."""
    winner = check[check["winner"].astype(bool)].iloc[0].to_dict()
    best = check.iloc[0].to_dict()
    begin = (
        f"Checked at φ = {winner['phi']:g} among the {len(check)} networks into which the "
        "candidates that tie at φ = 1 grow"
    )
    if math.isnan(as_float(winner["validation_top1"])):
        return f"{begin}, the constants' network did not finish: {winner['status']}."
    if winner["network"] == best["network"]:
        return f"{begin}, the constants found are the best there too."
    behind = _points(*(as_float(winner[column]) for column in _BEHIND))
    if winner["tie"]:
        return (
            f"{begin}, the constants found are still among the best: {best['network']} is "
            f"{behind} better, which the evidence can't tell from no difference."
        )
    return (
        f"{begin}, the constants found are no longer among the best: {best['network']} is "
        f"{behind} better, so do not carry them to a larger φ unchecked."
    )


def _points(mean: float, low: float, high: float) -> str:
    span = "(a single run)" if math.isnan(low) else f"[{low:.2f}, {high:.2f}]"
    return f"{mean:.2f} points {span}"


def _cells(numbers: pd.DataFrame) -> Cells:
    return {
        "network": lambda row: str(row["network"]),
        "φ": number_cell("phi", "g"),
        "side (px)": number_cell("px", "d"),
        **scaled_cell(numbers, "macs", "MACs"),
        "growth asked ×": number_cell("growth_target", ".2f"),
        "real growth ×": number_cell("growth", ".2f"),
        "n": number_cell("n", "d"),
        "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
        "behind the best (points) [95\u00a0%]": interval_cell(_BEHIND),
        "note": _note,
    }


def _note(row: Row) -> str:
    if row["status"] != "finished":
        return str(row["status"])
    notes = [text for column, text in _NOTES if row[column]]
    return ", ".join(notes) or DASH


_BEHIND = ("behind_points", "low_points", "high_points")
_NOTES = (("winner", "best at φ = 1"), ("tie", "tie with the best"))
