"""Accuracy against a cost, both of which matter: the candidates that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scaling_search.compare.gains import Row
from scaling_search.compare.networks import finished
from scaling_search.core import plotting
from scaling_search.report.cells import DASH, Cells, Table, number_cell, scaled_cell, shown_text
from scaling_search.report.figure_style import Picture, picture
from scaling_search.report.method_styles import LOOKS
from scaling_search.search.pareto import CostAndScore, front, hypervolume

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_COLUMNS = ("network", "alpha", "beta", "gamma", "px")
_GREY = "#8c8c8c"
_SIZE_INCHES = (8.4, 4.8)
_MOST_NAMED = 12  # on the picture; the table names all
# A name's height with room above it, as a part of the axes': no more than 1 / (_NAMED - 1).
_GAP = 0.06
# A leader begins in the middle of its name's left side and ends outside its marker.
_ENDS: Any = {"relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 4}


def pareto(search: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Return one row a finished candidate: those on the front by cost, then the others by cost.

    `cost` names a numeric column, smaller is better; candidates without it are left out. Columns:
    network, alpha, beta, gamma, px, the cost, top1_percent (validation) and sd_points, n, epochs,
    `compared` and `on_front`. Only candidates of the highest rung are compared: the others were
    trained for less or judged by other seeds, so their accuracies are not alike.
    """
    done = finished(search).dropna(subset=["validation_top1", cost])
    frame = done[[*_COLUMNS, cost, "n", "epochs"]].assign(
        top1_percent=100 * done["validation_top1"].astype(float),
        sd_points=100 * done["sd"].astype(float),
        compared=done["rung"] == done["rung"].max(),
    )
    rows = frame[frame["compared"]]
    best = rows.index[front(_points(rows, cost))]
    frame = frame.assign(on_front=frame.index.isin(best))
    order = ["on_front", cost, "top1_percent"]
    return frame.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def dominated_share(frame: pd.DataFrame, cost: str) -> float:
    """The front's hypervolume, as a part of the rectangle that spans the compared candidates.

    `frame` is what `pareto` returned. 1 is a candidate best in both; 0 says that each is worst in
    one of them, as two always are of which neither beats the other, or that all agree in one.
    With another set of candidates the rectangle is another, and the two can't be compared.
    """
    points = _points(frame[frame["compared"]], cost)
    if not points:
        return 0.0
    accuracies, costs = zip(*points, strict=True)
    area = (max(accuracies) - min(accuracies)) * (max(costs) - min(costs))
    return hypervolume(points, (min(accuracies), max(costs))) / area if area else 0.0


def pareto_table(search: pd.DataFrame, cost: str, label: str) -> Table:
    """One row a finished candidate, the front first; `label` heads the cost's column."""
    numbers = pareto(search, cost)
    return Table(f"pareto_{cost}", numbers, shown_text(numbers, _cells(numbers, cost, label)))


def pareto_picture(search: pd.DataFrame, cost: str, label: str) -> Picture:
    """Draw validation top-1 against the cost, the front as steps and its networks named.

    `label` names the cost with its unit. There must be a finished candidate. Of a front of more
    than twelve, twelve are named, both ends among them.
    """
    frame = pareto(search, cost)
    best = frame[frame["on_front"]]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set(xlabel=label, ylabel="validation top-1 (%)")
        axes.xaxis.set_major_formatter(_plain)
        _draw_others(axes, frame, cost)
        _draw_front(axes, best, cost)
        _name_front(axes, best.iloc[_spaced_positions(len(best), _MOST_NAMED)], cost)
        figure.legend(loc="outside lower center", ncols=2)

    caption = (
        f"Validation top-1 against {label}: on the line is every candidate that no other beats in "
        f"both. Only those of the highest rung are compared ({int(frame['compared'].sum())}, of "
        f"{best['epochs'].max():g} epochs); the front dominates "
        f"{dominated_share(frame, cost):.0%} of the rectangle that spans them. Bars are one "
        "standard deviation over seeds, where there are several. The accuracies are those by which "
        "candidates were chosen."
    )
    return picture(f"pareto_{cost}", caption, _SIZE_INCHES, draw)


def spaced_heights(wished: Sequence[float], gap: float) -> list[float]:
    """Heights in [0, 1] near the wished ones, which rise, but at least `gap` from each other.

    There must be room: (len(wished) - 1) · gap ≤ 1.

    Examples:
        >>> from scaling_search.report.pareto import spaced_heights
        >>> [round(height, 2) for height in spaced_heights([0.5, 0.5, 0.9], gap=0.2)]
        [0.5, 0.7, 0.9]
    """
    heights: list[float] = []
    for height in wished:
        heights.append(max(height, heights[-1] + gap) if heights else max(height, 0.0))
    above = 1.0 + gap
    for index in reversed(range(len(heights))):
        heights[index] = above = min(heights[index], above - gap)
    return heights


def _points(rows: pd.DataFrame, cost: str) -> list[CostAndScore]:
    pairs = zip(rows["top1_percent"], rows[cost], strict=True)
    return [(float(accuracy), float(spent)) for accuracy, spent in pairs]


def _cells(numbers: pd.DataFrame, cost: str, label: str) -> Cells:
    # A count of thousands is scaled; a time in milliseconds is not.
    many = len(numbers) > 0 and float(numbers[cost].max()) >= 1e4
    return {
        "network": lambda row: str(row["network"]),
        "α (depth)": number_cell("alpha", ".4g"),
        "β (width)": number_cell("beta", ".4g"),
        "γ (resolution)": number_cell("gamma", ".4g"),
        "side (px)": number_cell("px", "d"),
        **(scaled_cell(numbers, cost, label) if many else {label: number_cell(cost, ".4g")}),
        "validation top-1 (%)": number_cell("top1_percent", ".2f"),
        "sd (points)": number_cell("sd_points", ".2f"),
        "n": number_cell("n", "d"),
        "epochs": number_cell("epochs", "g"),
        "on the front": _front_text,
    }


def _front_text(row: Row) -> str:
    if not row["compared"]:
        return "not compared"
    return "yes" if row["on_front"] else DASH


def _draw_others(axes: Any, frame: pd.DataFrame, cost: str) -> None:
    kinds = (
        (frame["compared"] & ~frame["on_front"], _GREY, "another is no worse in both"),
        (~frame["compared"], "none", "of a lower rung, not compared"),
    )
    for chosen, face, label in kinds:
        rows = frame[chosen]
        if len(rows):
            look = {"facecolors": face, "edgecolors": _GREY, "s": 26, "label": label}
            axes.scatter(rows[cost], rows["top1_percent"], **look)


def _draw_front(axes: Any, best: pd.DataFrame, cost: str) -> None:
    axes.errorbar(
        best[cost],
        best["top1_percent"],
        yerr=best["sd_points"].fillna(0.0),
        color=LOOKS["compound"].colour,
        marker=LOOKS["compound"].marker,
        markersize=6.5,
        linewidth=1.8,
        elinewidth=1.0,
        capsize=2.5,
        # For what lies between two of them one gets the cheaper one's accuracy.
        drawstyle="steps-post",
        label="the Pareto front",
        zorder=3,
    )


def _name_front(axes: Any, best: pd.DataFrame, cost: str) -> None:
    """Write the names beside the axes, one below the other, each with a line to its point."""
    low, high = axes.get_ylim()
    rows = best.to_dict("records")
    heights = spaced_heights([(row["top1_percent"] - low) / (high - low) for row in rows], _GAP)
    for row, height in zip(rows, heights, strict=True):
        axes.annotate(
            f"α {row['alpha']:.3g}  β {row['beta']:.3g}  γ {row['gamma']:.3g}",
            xy=(row[cost], row["top1_percent"]),
            xytext=(1.05, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "color": "#777777", "linewidth": 0.6, **_ENDS},
        )


def _spaced_positions(count: int, most: int) -> list[int]:
    """At most so many places of `count`, evenly spaced from the first to the last."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))


def _plain(value: float, _: object) -> str:
    # No metric prefix below 1: "700 m" of a millisecond is nothing that people say.
    return f"{value:.4g}" if value < 1000 else plotting.EngFormatter().format_eng(value)
