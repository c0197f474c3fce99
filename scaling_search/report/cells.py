"""A table twice, numbers and worded text; as CSV and Markdown; and how its cells are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from scaling_search.compare.gains import Row
from scaling_search.core.atomic_files import write_atomically
from scaling_search.report.columns import LEFT_ALIGNED

Cells = dict[str, Callable[[Row], str]]
DASH = "–"


@dataclass(frozen=True)
class Table:
    """A table twice: `numbers` (snake_case columns with units) and `shown` (text, worded heads)."""

    name: str
    numbers: pd.DataFrame
    shown: pd.DataFrame

    @property
    def csv(self) -> str:
        """The numbers at six significant digits; whole numbers stay whole."""
        return self.numbers.to_csv(index=False, float_format="%.6g", lineterminator="\n")

    @property
    def markdown(self) -> str:
        """The shown text as a Markdown table, numbers to the right."""
        heads = [str(head) for head in self.shown.columns]
        cells = [
            [str(cell).replace("|", "\\|") for cell in row]
            for row in self.shown.itertuples(index=False)
        ]
        sides = ["left" if head in LEFT_ALIGNED else "right" for head in heads]
        if not cells:
            return f"(no rows: {', '.join(heads)})\n"
        text = tabulate(cells, heads, tablefmt="pipe", colalign=sides, disable_numparse=True)
        return text + "\n"


def write_tables(tables: Sequence[Table], out: Path) -> tuple[Path, ...]:
    """Write each table to out/<name>.csv and out/<name>.md."""
    return tuple(
        write_atomically(out / f"{table.name}.{ending}", text)
        for table in tables
        for ending, text in (("csv", table.csv), ("md", table.markdown))
    )


def shown_text(numbers: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Word every row of `numbers`, a column a cell."""
    rows = [[cell(row) for cell in cells.values()] for row in numbers.to_dict("records")]
    return pd.DataFrame(rows, columns=list(cells))


def number_cell(column: str, spec: str) -> Callable[[Row], str]:
    """Write a column with a format spec; "d" rounds, nan becomes a dash.

    Examples:
        >>> from scaling_search.report.cells import number_cell
        >>> percent = number_cell("top1_percent", ".1f")
        >>> percent({"top1_percent": 74.25}), percent({"top1_percent": float("nan")})
        ('74.2', '–')
    """

    def cell(row: Row) -> str:
        value = as_float(row[column])
        if math.isnan(value):
            return DASH
        return format(round(value) if spec == "d" else value, spec)

    return cell


def scaled_cell(numbers: pd.DataFrame, column: str, head: str) -> Cells:
    """Show a column of counts in thousands, millions or billions, whichever its largest needs."""
    largest = float(numbers[column].max()) if len(numbers) else 0.0
    factor, unit = next(
        (f, u) for f, u in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if largest >= f or u == "k"
    )
    return {f"{head} ({unit})": lambda row: f"{as_float(row[column]) / factor:.2f}"}


def interval_text(mean: float, low: float, high: float, spec: str = ".2f") -> str:
    """Write "mean [low, high]"; without an interval, say that it is a single run.

    Examples:
        >>> from scaling_search.report.cells import interval_text
        >>> interval_text(74.0, 72.56, 75.44), interval_text(74.0, float("nan"), float("nan"))
        ('74.00 [72.56, 75.44]', '74.00 (single run)')
    """
    if math.isnan(mean):
        return DASH
    if math.isnan(low):
        return f"{mean:{spec}} (single run)"
    return f"{mean:{spec}} [{low:{spec}}, {high:{spec}}]"


def interval_cell(columns: tuple[str, str, str], spec: str = ".2f") -> Callable[[Row], str]:
    """Write three columns, mean, low and high, as one interval."""

    def cell(row: Row) -> str:
        mean, low, high = (as_float(row[column]) for column in columns)
        return interval_text(mean, low, high, spec)

    return cell


def p_text(p_value: float) -> str:
    """Write a p value to three decimals; nan becomes a dash.

    Examples:
        >>> from scaling_search.report.cells import p_text
        >>> p_text(0.0312), p_text(0.00001)
        ('0.031', '< 0.001')
    """
    if math.isnan(p_value):
        return DASH
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def as_float(value: object) -> float:
    """Read a cell of a number column, whatever scalar type pandas gave it."""
    return float(value)  # type: ignore[arg-type]
