"""The parts of matplotlib that draw and letter, imported when they are first used.

Whatever MPLBACKEND names (a notebook's, which an environment may lack, or nonsense) neither stops
us nor is lost to whoever plots in this process: figures are drawn without pyplot.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

BACKEND_VARIABLE = "MPLBACKEND"
HOMES = {
    "FigureCanvasAgg": "matplotlib.backends.backend_agg",
    "Figure": "matplotlib.figure",
    "DisplayedFigure": "scaling_search.core.displayed_figure",
    "Line2D": "matplotlib.lines",
    **dict.fromkeys(
        ("EngFormatter", "FuncFormatter", "LogLocator", "MaxNLocator"), "matplotlib.ticker"
    ),
    **dict.fromkeys(("NullFormatter", "NullLocator"), "matplotlib.ticker"),
    **dict.fromkeys(("get_data_path", "rc_context", "rcdefaults", "rcParams"), "matplotlib"),
}
"""What of matplotlib is used, and where it lies."""


def __getattr__(name: str) -> Any:
    """A part of matplotlib by its name."""
    if name not in HOMES:
        raise AttributeError(name)
    _import()
    return getattr(import_module(HOMES[name]), name)


def _import() -> None:
    """Import matplotlib, which refuses to be where MPLBACKEND names no backend that it knows."""
    if "matplotlib" in sys.modules:
        return
    backend = os.environ.pop(BACKEND_VARIABLE, None)
    try:
        matplotlib = import_module("matplotlib")
    finally:
        if backend is not None:
            os.environ[BACKEND_VARIABLE] = backend
    if backend:
        with suppress(ValueError):  # as matplotlib would, for figures of the user's own
            matplotlib.rcParams["backend"] = backend
