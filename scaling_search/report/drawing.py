"""How every figure looks and is saved: colours, markers, and files that redraw byte-identical."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaling_search import plotting
from scaling_search.compare.gains import WORDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


# Okabe and Ito's palette is told apart with any colour vision; markers and dashes repeat the
# distinction for print in black and white.
COLOURS: Mapping[str, str] = {
    "base": "#000000",
    "compound": "#D55E00",
    "depth": "#0072B2",
    "width": "#009E73",
    "resolution": "#CC79A7",
}
MARKERS: Mapping[str, str] = {
    "base": "P",
    "compound": "o",
    "depth": "s",
    "width": "^",
    "resolution": "D",
}
DASHES: Mapping[str, Any] = {
    "base": (0, (1, 1)),
    "compound": "solid",
    "depth": (0, (5, 2)),
    "width": (0, (3, 1, 1, 1)),
    "resolution": (0, (7, 2, 2, 2)),
}
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "scaling-search",
    "savefig.facecolor": "white",
}


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its file name without ending, what it shows in words, and its bytes."""

    name: str
    caption: str
    png: bytes
    svg: bytes


def picture(
    name: str, caption: str, size: tuple[float, float], draw: Callable[[Figure], None]
) -> Picture:
    """Draw on a fresh figure of `size` inches, without pyplot's global state, and render it.

    Dates and version strings are left out of the files, and the SVG's ids are salted alike, so
    that the same data give the same bytes.
    """
    with plotting.rc_context():
        plotting.rcdefaults()
        plotting.rcParams.update(_STYLE)
        figure = plotting.Figure(figsize=size, layout="constrained")
        plotting.FigureCanvasAgg(figure)
        draw(figure)
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(name, caption, png.getvalue(), svg.getvalue())


def method_keys(methods: Iterable[str]) -> list[Line2D]:
    """Return the legend's keys of the methods that are present, in one fixed order."""
    present = set(methods)
    return [
        plotting.Line2D(
            [],
            [],
            color=COLOURS[method],
            linestyle="" if method == "base" else DASHES[method],
            marker=MARKERS[method],
            linewidth=1.6,
            label=WORDS[method],
        )
        for method in COLOURS
        if method in present
    ]
