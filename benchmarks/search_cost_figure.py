"""The figure of `search_cost.py`: expected regret against the share of the paper's cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from scaling_search.report.drawing import Picture, picture

PAPER = "every grid point"  # the route of the EfficientNet paper
# Okabe and Ito's colours; the marker says the same without colour.
LOOKS = {
    "random": ("#666666", "x"),
    "tpe": ("#0072B2", "s"),
    "gp": ("#D55E00", "o"),
    "nsga2": ("#009E73", "^"),
}


def regret_picture(rows: pd.DataFrame, goal: float) -> Picture:
    """One panel a table; solid lines are searches by halving, dashed ones without."""
    names = list(dict.fromkeys(rows["table"]))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, rows[rows["table"] == name], goal)
            axes.set_title(name, fontsize=10)
            axes.set_xlabel("cost (share of every grid point's)")
        panels[0].set_ylabel("expected regret (points of top-1)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=9)

    caption = "Expected regret of the network that a search chooses, against what it trained."
    return picture("search_cost", caption, (4.2 * len(names) + 0.6, 4.6), draw)


def _panel(axes: Axes, rows: pd.DataFrame, goal: float) -> None:
    axes.axhline(goal, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
    axes.axvline(0.1, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
    grids = rows[rows["strategy"] == "grid"]
    for marker, size, label, points in (
        ("D", 9, PAPER, grids[grids["route"] == PAPER]),
        ("*", 14, "every network, 1 and 3 seeds", grids[grids["route"] != PAPER]),
    ):
        look: dict[str, Any] = {"markersize": size, "markeredgecolor": "white", "zorder": 5}
        axes.plot(points["share"], points["regret"], f"k{marker}", label=label, **look)
    for (strategy, route), line in rows.drop(grids.index).groupby(
        ["strategy", "route"], sort=False
    ):
        colour, marker = LOOKS[str(strategy)]
        axes.errorbar(
            line["share"],
            line["regret"],
            yerr=1.96 * line["error"],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.3,
            linestyle="solid" if route == "halving" else (0, (4, 2)),
            label=f"{strategy}, {route}",
        )
    axes.set_xscale("log")
    axes.set_xticks([0.03, 0.1, 0.3, 1.0])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(bottom=0)
