"""A matplotlib figure that a notebook shows; of others made without pyplot it prints the name."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

DPI = 150


class DisplayedFigure(Figure):
    """A figure with the PNG by which IPython displays it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()
