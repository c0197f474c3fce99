"""Laws as a table, in sentences and as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scaling_search.compare.gains import Row
from scaling_search.compare.methods import in_words
from scaling_search.core import plotting
from scaling_search.law.laws import LAW_REACH, FittedLaw
from scaling_search.report.cells import DASH, Table, as_float, number_cell, shown_text
from scaling_search.report.figure_style import Picture, picture
from scaling_search.report.method_styles import MethodStyle, looks_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 80  # of a drawn curve


def law_table(fitted: Sequence[FittedLaw]) -> Table:
    """One row a method and size predicted; accuracies in percent."""
    rows = [
        {
            **_columns(each),
            "at_macs": predicted.macs,
            "predicted_percent": 100 * (1 - predicted.error),
            "predicted_low_percent": 100 * (1 - predicted.range.high),
            "predicted_high_percent": 100 * (1 - predicted.range.low),
        }
        for each in fitted
        for predicted in each.predicted
    ]
    numbers = pd.DataFrame(rows)
    return Table("law", numbers, shown_text(numbers, _CELLS))


def law_sentences(fitted: Sequence[FittedLaw]) -> tuple[str, ...]:
    """What the check by the largest network says, and whether the exponents can be told apart."""
    return (
        *(_check(each) for each in fitted),
        f"A law is followed to {LAW_REACH:g} times the largest network measured and no further; "
        "intervals are of 95 % by the profile of the loss, and count seeds and networks.",
    )


def law_picture(fitted: Sequence[FittedLaw]) -> Picture:
    """Draw test error against MACs, both logarithmic: networks, laws, what they predict."""
    looks = looks_of(each.sizes.method for each in fitted)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(xscale="log", yscale="log")
        axes.set(xlabel="FLOPs (multiply-adds)", ylabel="test error (%)")
        for each in fitted:
            _draw(axes, each, looks[each.sizes.method], len(fitted))
        axes.xaxis.set_major_formatter(plotting.EngFormatter())
        axes.xaxis.set_minor_formatter(plotting.NullFormatter())
        for side in ("major", "minor"):
            getattr(axes.yaxis, f"set_{side}_formatter")(
                plotting.FuncFormatter(lambda value, _: f"{value:g}")
            )
        figure.legend(loc="outside lower center", ncols=3)

    caption = (
        "Test error against MACs. Lines are ε∞ + β x^-c, dashed beyond the largest network; bars "
        "beyond it are 95 % intervals of what is predicted."
    )
    return picture("law", caption, (7.6, 5.0), draw)


def _columns(each: FittedLaw) -> dict[str, object]:
    law, floor, held = each.law, each.floor, each.held_out
    return {
        **{"method": each.sizes.method, "runs": each.sizes.runs, "sizes": len(each.sizes.macs)},
        **{"smallest_macs": each.sizes.macs[0], "largest_macs": each.largest},
        "form": "power" if law.chance is None else "M4",
        "exponent": law.exponent,
        **{"exponent_low": each.exponent.low, "exponent_high": each.exponent.high},
        "floor_percent": 100 * law.floor,
        "floor_low_percent": math.nan if floor is None else 100 * floor.low,
        "floor_high_percent": math.nan if floor is None else 100 * floor.high,
        "scale_percent": 100 * law.scale,
        "held_out_miss_points": math.nan if held is None else -100 * held.miss,
        "held_out_holds": None if held is None else held.holds,
    }


def _range_text(row: Row, name: str, spec: str, ending: str = "") -> str:
    value, low, high = (as_float(row[f"{name}{end}{ending}"]) for end in ("", "_low", "_high"))
    if math.isnan(low):
        return f"{value:{spec}}"
    return f"{value:{spec}} [{low:{spec}}, {'∞' if math.isinf(high) else format(high, spec)}]"


def _held_text(row: Row) -> str:
    miss = as_float(row["held_out_miss_points"])
    if math.isnan(miss):
        return DASH
    return f"{miss:+.1f} points" + ("" if row["held_out_holds"] else " (outside)")


_CELLS = {
    "method": lambda row: in_words(str(row["method"])),
    "sizes": number_cell("sizes", "d"),
    "law": lambda row: str(row["form"]),
    "exponent [95\u00a0%]": lambda row: _range_text(row, "exponent", ".2f"),
    "least error (%) [95\u00a0%]": lambda row: _range_text(row, "floor", ".1f", "_percent"),
    "largest left out": _held_text,
    "at (M MACs)": lambda row: f"{as_float(row['at_macs']) / 1e6:.3g}",
    "top-1 predicted (%) [95\u00a0%]": lambda row: _range_text(row, "predicted", ".1f", "_percent"),
}


def _check(each: FittedLaw) -> str:
    words, held = in_words(each.sizes.method), each.held_out
    if held is None:
        return f"{words}: too few sizes to leave the largest out and predict it."
    accuracy = 100 * (1 - held.measured)
    low, high = 100 * (1 - held.predicted.range.high), 100 * (1 - held.predicted.range.low)
    if (low, high) == (0.0, 100.0):
        return (
            f"{words}: the others leave open what the largest network reaches: add sizes or seeds."
        )
    verdict = "the law holds so far" if held.holds else "a miss that chance alone makes once in 20"
    return (
        f"{words}: without the largest network the law predicts {low:.1f} to {high:.1f} % for it, "
        f"measured are {accuracy:.1f} %: {verdict}."
    )


def _draw(axes: Any, each: FittedLaw, look: MethodStyle, lines: int) -> None:
    smallest, largest = each.sizes.macs[0], each.largest
    end = max(largest, *(predicted.macs for predicted in each.predicted))
    for low, high, dash in ((smallest, largest, "solid"), (largest, end, (0, (3, 2)))):
        x = np.geomspace(low, high, _POINTS)
        y = [100 * each.law.error(float(size)) for size in x]
        axes.plot(x, y, color=look.colour, linestyle=dash, linewidth=1.6)
    axes.plot(
        each.sizes.macs,
        [100 * error for error in each.sizes.errors],
        color=look.colour,
        marker=look.marker,
        linestyle="",
        label=in_words(each.sizes.method),
    )
    for predicted in each.predicted:
        at, span = 100 * predicted.error, predicted.range
        bars = [[at - 100 * span.low], [100 * span.high - at]]
        # Many methods' bars would hide each other.
        axes.errorbar(
            [predicted.macs], [at], yerr=bars, color=look.colour, capsize=3, alpha=1 / lines**0.5
        )
