"""The report's tables: numbers for machines, and the same numbers worded for people."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from scaling_search.compare.gains import EQUIVALENT_POINTS, Row, gains
from scaling_search.compare.methods import in_words
from scaling_search.compare.sentences import alike_in_words
from scaling_search.report.cells import (
    DASH,
    Cells,
    Table,
    as_float,
    interval_cell,
    number_cell,
    p_text,
    shown_text,
)

CHOSEN = "chosen by validation"


def gains_table(runs: pd.DataFrame) -> Table:
    """One row a φ and rival: what compound scaling gains over it at equal cost."""
    numbers = gains(runs)
    return Table("gains", numbers, shown_text(numbers, _GAIN_CELLS))


def rates_table(tried: pd.DataFrame) -> Table:
    """One row a network and learning rate that was checked (`frames.rates_frame`)."""
    numbers = tried.assign(validation_top1=100 * tried["validation_top1"].astype(float))
    numbers = numbers.rename(columns={"validation_top1": "validation_top1_percent"})
    return Table("rates", numbers, shown_text(numbers, _RATE_CELLS))


def environment_table(environment: Mapping[str, object]) -> Table:
    """One row a fact about the machine and its libraries."""
    facts = [(key, str(value)) for key, value in environment.items()]
    numbers = pd.DataFrame(facts, columns=["what", "value"])
    return Table("environment", numbers, numbers)


_GAIN_CELLS: Cells = {
    "φ": number_cell("phi", "g"),
    "growth asked ×": number_cell("growth_target", ".2f"),
    "rival": lambda row: in_words(str(row["rival"])),
    "compound's real growth ×": number_cell("compound_growth", ".2f"),
    "rival's real growth ×": number_cell("rival_growth", ".2f"),
    "n": lambda row: _counts_text(row),
    "as built (points)": number_cell("raw_points", "+.2f"),
    "compound − rival at equal cost (points) [95\u00a0%, all together]": interval_cell(
        ("gain_points", "low_points", "high_points"), spec="+.2f"
    ),
    "p (adjusted)": lambda row: p_text(as_float(row["p_adjusted"])),
    "verdict": lambda row: _verdict_text(row),
    "compound here is": lambda row: alike_in_words(row) or DASH,
}
_RATE_CELLS: Cells = {
    "φ": number_cell("phi", "g"),
    "method": lambda row: str(row["method"]),
    "rate ×": number_cell("rate", "g"),
    "learning rate": number_cell("learning_rate", ".4g"),
    "n": number_cell("n", "d"),
    "failed": number_cell("failed", "d"),
    "validation loss": number_cell("validation_loss", ".4f"),
    "validation top-1 (%)": number_cell("validation_top1_percent", ".2f"),
    "note": lambda row: CHOSEN if row["chosen"] else DASH,
}


def _counts_text(row: Row) -> str:
    counts = {as_float(row["n_compound"]): None, as_float(row["n_rival"]): None}
    return " / ".join(f"{n:.0f}" for n in counts)


def _verdict_text(row: Row) -> str:
    verdict = str(row["verdict"])
    less = f"less than {EQUIVALENT_POINTS:g} points"
    if verdict in ("better", "worse"):
        return f"compound is {verdict}" + (f", by {less}" if row["equivalent"] else "")
    return f"equal: {less} apart" if row["equivalent"] else verdict
