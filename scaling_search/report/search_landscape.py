"""The search landscape: how each candidate shares the growth out, and how well it did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scaling_search.core import plotting
from scaling_search.report.figure_style import Picture, picture
from scaling_search.report.method_styles import LOOKS
from scaling_search.search.frame import SHARE_COLUMNS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


_RUNG_MARKERS = ("o", "s", "D", "^", "v")
_HEIGHT = math.sqrt(3) / 2
# A triangle's corners: all growth to depth (left), to width (right), to resolution (top).
_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, _HEIGHT]])


def triangle_positions(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where networks of these shares (n × 3) lie in the triangle: x and y, n × 2.

    Examples:
        >>> import numpy as np
        >>> from scaling_search.report.search_landscape import triangle_positions
        >>> depth, width, resolution = np.eye(3)
        >>> triangle_positions(np.array([depth, width, resolution])).round(2).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.5, 0.87]]
    """
    return np.asarray(shares @ _CORNERS)


def landscape(search: pd.DataFrame) -> pd.DataFrame:
    """Return each trained candidate and where it lies in the triangle.

    The shares of the real growth add up to 1; with three numbers that do, a triangle shows all of
    them at once. Adds columns x, y and top1 (validation, percent).
    """
    done = search[search["status"] == "finished"].dropna(subset=["validation_top1"])
    positions = triangle_positions(done[list(SHARE_COLUMNS)].to_numpy(dtype=float))
    return done.assign(
        x=positions[:, 0],
        y=positions[:, 1],
        top1=100 * done["validation_top1"].astype(float),
    ).sort_values("top1", kind="stable")


def landscape_picture(search: pd.DataFrame) -> Picture:
    """Draw the candidates in the triangle of shares, coloured by validation top-1."""
    candidates = landscape(search)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        triangle(axes)
        dots = _draw_candidates(axes, candidates)
        bar = figure.colorbar(dots, ax=axes, shrink=0.75, pad=0.02)
        bar.set_label("validation top-1 (%)")
        figure.legend(handles=_legend(candidates), loc="outside lower center", ncols=3)

    caption = (
        "Search landscape: each candidate by how it shares the growth between depth, width and "
        "resolution. Colour is validation top-1 at the highest rung it reached, the marker says "
        "which; compare colours within one rung, since later rungs train longer."
    )
    return picture("search_landscape", caption, (7.2, 5.9), draw)


def triangle(axes: Any, sizes: tuple[float, float, float] = (9, 8, 11)) -> None:
    """Draw the simplex of shares: corners, edges and the lines of each quarter.

    `sizes` are those of the edges' words, of the quarters' and of the corners', in points.
    """
    of_edges, of_quarters, of_corners = sizes
    axes.set_aspect("equal")
    axes.set(xlim=(-0.15, 1.15), ylim=(-0.13, _HEIGHT + 0.08))
    axes.axis("off")
    axes.fill(*_CORNERS.T, facecolor="#fafafa", edgecolor="#555555", linewidth=1.2, zorder=0)
    for share in (0.25, 0.5, 0.75):
        for corner in range(3):
            _draw_share_line(axes, corner, share, of_quarters)
    edges = (("depth's share", (0.1, 0.53), 60), ("resolution's share", (0.9, 0.53), -60))
    for text, position, turn in (*edges, ("width's share", (0.5, -0.1), 0)):
        look = {"fontsize": of_edges, "color": "#666666", "rotation": turn}
        axes.text(*position, text, ha="center", va="center", **look)
    names = ("all to depth", "all to width", "all to resolution")
    for (x, y), name in zip(_CORNERS, names, strict=True):
        above = y > 0
        position = (x, y + (0.025 if above else -0.075))
        axes.text(*position, name, ha="center", va="bottom", fontsize=of_corners, fontweight="bold")


def _draw_share_line(axes: Any, corner: int, share: float, size: float) -> None:
    """Draw the line of one share, labelled on the edge that runs up to its corner."""
    following, preceding = _CORNERS[(corner + 1) % 3], _CORNERS[(corner + 2) % 3]
    start = share * _CORNERS[corner] + (1 - share) * preceding
    end = share * _CORNERS[corner] + (1 - share) * following
    axes.plot(*np.stack([start, end]).T, color="#d5d5d5", linewidth=0.8, zorder=1)
    outwards = start - _CORNERS.mean(axis=0)
    position = start + 0.06 * outwards / np.linalg.norm(outwards)
    axes.text(
        *position, f"{100 * share:.0f} %", ha="center", va="center", fontsize=size, color="#666666"
    )


def _draw_candidates(axes: Any, candidates: pd.DataFrame) -> Any:
    limits = {"vmin": candidates["top1"].min(), "vmax": candidates["top1"].max()}
    size = 95 if len(candidates) <= 30 else 60
    dots = None
    for rung in _rungs(candidates):
        # The best lies on top, then its ties: neighbours cover one another.
        rows = candidates[candidates["rung"] == rung].sort_values(["best", "tie"], kind="stable")
        dots = axes.scatter(
            rows["x"],
            rows["y"],
            c=rows["top1"],
            s=size,
            marker=rung_marker(rung),
            cmap="viridis",
            edgecolors=_edges(rows),
            linewidths=[_edge_width(row) for row in rows.to_dict("records")],
            zorder=3 + rung,
            **limits,
        )
    return dots


def _edges(rows: pd.DataFrame) -> list[str]:
    return [
        "#000000" if best else LOOKS["compound"].colour if tie else "#ffffff"
        for best, tie in zip(rows["best"], rows["tie"], strict=True)
    ]


def _edge_width(row: Any) -> float:
    return 2.6 if row["best"] else 2.0 if row["tie"] else 0.6


def _rungs(candidates: pd.DataFrame) -> list[int]:
    return sorted({int(rung) for rung in candidates["rung"]})


def rung_marker(rung: int) -> str:
    """The marker of a rung, numbered from 0."""
    return _RUNG_MARKERS[min(rung, len(_RUNG_MARKERS) - 1)]


def _legend(candidates: pd.DataFrame) -> list[Line2D]:
    def key(marker: str, face: str, edge: str, width: float, label: str) -> Line2D:
        look: Any = {"markerfacecolor": face, "markeredgecolor": edge, "markeredgewidth": width}
        look |= {"linestyle": "", "marker": marker, "markersize": 9, "label": label}
        line: Line2D = plotting.Line2D([], [], **look)
        return line

    keys = []
    for rung in _rungs(candidates):
        epochs = candidates.loc[candidates["rung"] == rung, "epochs"].max()
        keys.append(
            key(
                rung_marker(rung), "#9a9a9a", "#ffffff", 0.6, f"rung {rung + 1} ({_epochs(epochs)})"
            )
        )
    keys.append(key("o", "#ffffff", "#000000", 2.6, "best"))
    if (candidates["tie"] & ~candidates["best"]).any():
        keys.append(
            key("o", "#ffffff", LOOKS["compound"].colour, 2.0, "can't be told from the best")
        )
    return keys


def _epochs(number: float) -> str:
    return "1 epoch" if number == 1 else f"{number:g} epochs"
