"""The figure of `search_cost.py`: expected regret against the share of the peer's cost."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from scaling_search.report.figure_style import Picture, picture

# Okabe and Ito's colours; the marker says the same without colour.
LOOKS = {
    "random": ("#666666", "x"),
    "tpe": ("#0072B2", "s"),
    "gp": ("#D55E00", "o"),
    "gp, halving": ("#CC79A7", "D"),
    "adaptive": ("#000000", "P"),
    "adaptive, two lengths": ("#009E73", "^"),
    "adaptive, top-two": ("#56B4E9", "v"),
    "adaptive, OCBA": ("#E69F00", "<"),
}


def regret_picture(rows: pd.DataFrame) -> Picture:
    """One panel a table: every network from some seeds as stars, the searches as lines."""
    names = list(dict.fromkeys(rows["table"]))

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, rows[rows["table"] == name])
            axes.set_title(name, fontsize=10)
            axes.set_xlabel("cost (share of every network, 3 seeds)", fontsize=9)
        panels[0].set_ylabel("expected regret (points of top-1)")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)

    caption = "Expected regret of the network that a search chooses, against what it trained."
    return picture("search_cost", caption, (3.6 * len(names) + 0.6, 4.6), draw)


def _panel(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axvline(0.1, color="black", linewidth=0.8, linestyle=(0, (1, 2)))
    means = rows[rows["search"].str.match(r"every network, \d")]
    look: dict[str, Any] = {"markersize": 12, "markeredgecolor": "white", "zorder": 5}
    label = "every network, 1, 3 and 10 seeds"
    axes.plot(means["share"], means["regret"], "k*", label=label, **look)
    for search, (colour, marker) in LOOKS.items():
        line = rows[rows["search"] == search].sort_values("share")
        axes.errorbar(
            line["share"],
            line["regret"],
            yerr=1.96 * line["error"],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.3,
            label=search,
        )
    axes.set_xscale("log")
    axes.set_xticks([0.03, 0.1, 0.3, 1.0, 3.0])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(bottom=0)
