"""How results are printed: tables for people, JSON for machines."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from scaling_search.report.columns import LEFT_ALIGNED

# A pipe has no width of its own: what is read by a program or a pager is not cut.
# Nothing is markup: brackets and colons are those of files, classes and networks of the user's.
console = Console(width=None if sys.stdout.isatty() else 200, markup=False, emoji=False)
errors = Console(stderr=True, markup=False, emoji=False)
IN_ASCII = {"α": "alpha", "β": "beta", "γ": "gamma", "φ": "phi", "×": "x", "·": "*", "²": "^2"}
IN_ASCII |= {"–": "-", "−": "-", "→": "->", "…": "...", "✓": "+", "“": '"', "”": '"', "\u00a0": " "}
IN_ASCII |= {"▲": "^", "▼": "v", "≈": "~", "±": "+-", "µ": "u", "—": "-", "│": "|", "━": "-"}


def allow_any_encoding() -> None:
    """Let standard output and error take every text: what their encoding lacks is spelt out.

    So it is for a log's latin-1, and for a file's name that is no UTF-8.
    """
    codecs.register_error("spelt-out", _spelt_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spelt-out")


def _spelt_out(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    texts = (IN_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(texts), error.end


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, title: str = "") -> None:
    """Print a table of plain values; numbers to the right, with their thousands set apart."""
    if as_json:
        print_json(list(rows))
        return
    cells = [[_text(cell) for cell in row.values()] for row in rows]
    _draw(list(rows[0]), cells, title)


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _draw(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    for named in (heads, [head.replace("_", " ") for head in heads]):  # which may be broken there
        widths = _widths([named, *rows], console.width)
        if widths is not None:
            console.print(_table(named, rows, title, widths))
            return
    _draw_lines(heads, rows, title)


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """The columns' widths where no word or number needs to be broken; None where one must be."""
    columns = list(zip(*lines, strict=True))
    widths = [max(map(cell_len, cells)) for cells in columns]
    least = [
        max(cell_len(word) for cell in cells for word in [*cell.split(), ""]) for cells in columns
    ]
    room -= 2 * len(columns) + 1  # the spaces between columns and at both ends
    if sum(least) > room:
        return None
    for _ in range(sum(widths) - room):
        slack = [width - word for width, word in zip(widths, least, strict=True)]
        widths[slack.index(max(slack))] -= 1
    return widths


def _draw_lines(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    """Print a line a cell: in a table so narrow words and numbers would be broken."""
    width = max(map(len, heads))
    cells = [
        f"{head.ljust(width)}  {cell}"
        for row in rows
        for head, cell in (*zip(heads, row, strict=True), ("", ""))
    ]
    for line in [title, *cells] if title else cells:
        console.print(line.rstrip(), highlight=False, soft_wrap=True)


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], title: str, widths: Sequence[int]
) -> Table:
    table = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for head, width in zip(heads, widths, strict=True):
        is_left = head.replace(" ", "_") in _LEFT_HEADS or head in _LEFT_HEADS
        justify: Literal["left", "right"] = "left" if is_left else "right"
        table.add_column(head, justify=justify, overflow="fold", width=width)
    for row in rows:
        table.add_row(*row)
    return table


_LEFT_HEADS = LEFT_ALIGNED | frozenset(
    {"stage", "block", "data set", "class", "classes", "name", "base", "hours", "accuracy", "phase"}
)


def print_json(values: Any) -> None:
    """Print values as JSON for machines, in ASCII where the output takes no UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    typer.echo(json.dumps(values, indent=2, ensure_ascii=encoding != "utf8"))
