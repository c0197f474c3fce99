"""The search landscape for a paper: the page's candidates in the triangle, told apart in grey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scaling_search.core import plotting
from scaling_search.core.errors import require
from scaling_search.report.paper_figures import STYLES, Style
from scaling_search.report.search_landscape import rung_marker, triangle, triangle_positions

EDGES = {"best": ("#000000", 1.6), "tie": ("#000000", 0.7), "other": ("#ffffff", 0.3)}
"""The edge's colour, and its width as a multiple of the style's line."""
STANDINGS = {"best": "the best", "tie": "can't be told from the best"}


def draw_landscape(axes: Any, runs: Sequence[Mapping[str, Any]], style: Style) -> list[Any]:
    """Draw a run's candidates by how they share the growth; return the legend's keys.

    Colour, which darkens as top-1 falls, is validation top-1 in percent at the highest rung that a
    candidate reached, the marker that rung; a dark edge is the best's, a thin one that of those
    which can't be told from it. Raises UserError for several runs, and where none was trained.
    """
    require(len(runs) == 1, "a landscape shows 1 run", len(runs), "draw a figure of each")
    candidates = [candidate for candidate in runs[0]["candidates"] if candidate["top1"] is not None]
    rule = f"the landscape of {runs[0]['title']} needs trained candidates"
    require(len(candidates) > 0, rule, len(candidates), "run its search first")
    text = 0.9 * STYLES[style].text
    triangle(axes, (0.95 * text, 0.8 * text, text))
    candidates.sort(
        key=lambda candidate: (candidate["best"], candidate["tie"])
    )  # neighbours cover one another
    for rung in sorted({candidate["rung"] for candidate in candidates}):
        dots = _dots(
            axes, [candidate for candidate in candidates if candidate["rung"] == rung], style
        )
        dots.set_clim(
            min(candidate["top1"] for candidate in candidates),
            max(candidate["top1"] for candidate in candidates),
        )
    bar_options = {"location": "bottom", "shrink": 0.7, "aspect": 30, "pad": 0.02}
    axes.figure.colorbar(dots, ax=axes, label="validation top-1 (%)", **bar_options)
    return _keys(candidates, style)


def _standing(candidate: Mapping[str, Any]) -> str:
    return "best" if candidate["best"] else "tie" if candidate["tie"] else "other"


def _dots(axes: Any, candidates: Sequence[Mapping[str, Any]], style: Style) -> Any:
    positions = triangle_positions(
        np.array([candidate["shares"] for candidate in candidates], dtype=float)
    )
    edges = [EDGES[_standing(candidate)] for candidate in candidates]
    rung = candidates[0]["rung"]
    return axes.scatter(
        *positions.T,
        c=[candidate["top1"] for candidate in candidates],
        s=(1.5 * STYLES[style].marker) ** 2,
        marker=rung_marker(rung),
        cmap="viridis",
        edgecolors=[colour for colour, _ in edges],
        linewidths=[width * STYLES[style].line for _, width in edges],
        zorder=3 + rung,
    )


def _keys(candidates: Sequence[Mapping[str, Any]], style: Style) -> list[Any]:
    """A key a rung, then one for the best and, where there are any, for its ties."""
    size = {"linestyle": "", "markersize": 1.4 * STYLES[style].marker}
    epochs = {candidate["rung"]: candidate["epochs"] for candidate in candidates}
    rungs = [
        plotting.Line2D(
            [],
            [],
            marker=rung_marker(rung),
            color="#9a9a9a",
            label=f"rung {rung + 1}, {number:g} epoch{'s' if number != 1 else ''}",
            **size,
        )
        for rung, number in sorted(epochs.items())
    ]
    standings = {_standing(candidate) for candidate in candidates}
    line = STYLES[style].line
    return rungs + [_standing_key(each, line, size) for each in STANDINGS if each in standings]


def _standing_key(standing: str, line: float, size: Mapping[str, Any]) -> Any:
    colour, width = EDGES[standing]
    return plotting.Line2D(
        [],
        [],
        marker="o",
        markerfacecolor="#ffffff",
        markeredgecolor=colour,
        markeredgewidth=width * line,
        label=STANDINGS[standing],
        **size,
    )
