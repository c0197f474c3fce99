"""How every figure is drawn and saved: its style, and files that redraw byte-identical."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling_search.core import plotting
from scaling_search.core.atomic_files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
class Section:
    """A part of the report that one picture has to itself: its id in the page, and its title."""

    id: str
    title: str


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its file name without ending, what it shows in words, and its bytes.

    Page and README show one that has a `section` at their end; the others they place themselves.
    """

    name: str
    caption: str
    png: bytes
    svg: bytes
    section: Section | None = None


def picture(
    name: str,
    caption: str,
    size: tuple[float, float],
    draw: Callable[[Figure], None],
    section: Section | None = None,
) -> Picture:
    """Draw on a fresh figure of `size` inches, without pyplot's global state, and render it.

    Dates and version strings are left out of the files, and the SVG's ids are salted alike, so
    that the same data give the same bytes.

    Examples:
        >>> from scaling_search.report.figure_style import picture
        >>> drawn = picture("empty", "Nothing yet.", (3, 2), lambda figure: None)
        >>> drawn.png[1:4], drawn.svg[:5]
        (b'PNG', b'<?xml')
    """
    with plotting.rc_context():
        plotting.rcdefaults()
        plotting.rcParams.update(_STYLE)
        figure = plotting.Figure(figsize=size, layout="constrained")
        plotting.FigureCanvasAgg(figure)
        draw(figure)
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
        figure.set_layout_engine(None)  # the layout of the PNG serves both
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Picture(name, caption, png.getvalue(), svg.getvalue(), section)


def write_picture(picture: Picture, folder: Path) -> tuple[Path, Path]:
    """Write folder/<name>.png and folder/<name>.svg, each atomically.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from scaling_search.report.figure_style import picture, write_picture
        >>> empty = picture("empty", "Nothing yet.", (3, 2), lambda figure: None)
        >>> [path.name for path in write_picture(empty, Path(tempfile.mkdtemp()))]
        ['empty.png', 'empty.svg']
    """
    return (
        write_atomically(folder / f"{picture.name}.png", picture.png),
        write_atomically(folder / f"{picture.name}.svg", picture.svg),
    )
