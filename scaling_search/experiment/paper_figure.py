"""A run's figure for a paper, from its ledger: on a figure of its own or on the caller's axes."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from scaling_search.core import plotting
from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.errors import UserError, require
from scaling_search.experiment.evidence import evidence_of
from scaling_search.experiment.outcome import read_experiment
from scaling_search.jobs.ledger import Ledger
from scaling_search.report.page_data import page_data
from scaling_search.report.paper_figures import (
    FILLS,
    Kind,
    Style,
    draw_accuracy,
    draw_curves,
    rc_params,
    with_methods,
)
from scaling_search.report.paper_landscape import draw_landscape
from scaling_search.report.report_data import frames_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_FORMATS = ("pdf", "svg", "png", "eps")
_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
_SHAPES: dict[Kind, float] = {"accuracy": 0.78, "curves": 0.78, "landscape": 1.05}
"""A figure's height over its width, with the legend below."""


def figure(
    runs: Path | str | Sequence[Path | str],
    kind: Kind = "accuracy",
    *,
    x: str = "macs",
    width_inches: float = 3.25,
    height_inches: float | None = None,
    style: Style = "paper",
    methods: Sequence[str] = (),
    ax: Any = None,
    function: str | None = None,
) -> Figure:
    """Draw run directories, up to four, on one axis, and return the matplotlib figure.

    A notebook displays it.

    `kind` "accuracy" is test top-1 against `x` (macs, params, activations, latency, seconds or
    memory) with 95 % intervals; "curves" is validation top-1 by epoch at the largest φ;
    "landscape" is a search's candidates by how they share the growth, of one run. `methods`
    are shown beside the base, all of them by default. With `ax` it is drawn there, with a legend,
    and the figure is that of `ax`; sizes are then the caller's. `function` is given again where
    the base is a function of the user's. Nothing is trained or written. Raises UserError for what
    is no run, has no such axis, or can't be shown together.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import Coefficients, DataRequest, Study, figure, run
        >>> from scaling_search.experiment.comparison import Comparison, Timing
        >>> paper = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
        >>> compare = Comparison(phis=(0, 1), rivals=("width",), epochs=1, seeds=1, constants=paper)
        >>> data = DataRequest(train_images=100, test_images=20)
        >>> study = Study("tiny", base="nano", data=data, compare=compare, timing=Timing(seconds=0))
        >>> outcome = run(study, Path("runs/tiny"), workers=0)
        >>> drawn = figure("runs/tiny", x="params", width_inches=3.25)
        >>> drawn.axes[0].get_xlabel()
        'parameters'
    """
    _check(kind, style, width_inches, height_inches)
    folders = [Path(runs)] if isinstance(runs, Path | str) else [Path(run) for run in runs]
    rule = f"one axis holds 1 to {len(FILLS)} runs"
    require(1 <= len(folders) <= len(FILLS), rule, len(folders))
    data = [_data(folder, function) for folder in folders]
    if methods:
        data = [with_methods(each, methods) for each in data]
    with plotting.rc_context(rc_params(style)):
        if ax is not None:
            ax.legend(handles=_draw(ax, data, kind, x, style))
            callers: Figure = ax.figure
            return callers
        size = (width_inches, height_inches or _SHAPES[kind] * width_inches)
        made: Figure = plotting.DisplayedFigure(figsize=size, layout="constrained")
        plotting.FigureCanvasAgg(made)
        keys = _draw(made.add_subplot(), data, kind, x, style)
        made.legend(handles=keys, loc="outside lower center", ncols=2)
    return made


def save_figure(figure: Figure, path: Path, style: Style = "paper") -> Path:
    """Write a figure as its ending says, fonts embedded; the same figure gives the same bytes.

    Raises UserError for an ending that is not among `FIGURE_FORMATS`.

    Examples:
        >>> from pathlib import Path
        >>> from matplotlib.figure import Figure
        >>> from scaling_search import save_figure
        >>> empty = Figure(figsize=(3.25, 2.5))
        >>> save_figure(empty, Path("runs/any/accuracy.pdf")).name
        'accuracy.pdf'
    """
    ending = path.suffix.removeprefix(".")
    require(
        ending in FIGURE_FORMATS,
        f"a figure's format must be one of {', '.join(FIGURE_FORMATS)}",
        ending,
    )
    dates: dict[str, Any] = {
        "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
        "svg": {"Date": None, "Creator": None},
        "png": {"Software": None},
        "eps": {"Creator": "scaling-search"},
    }
    with plotting.rc_context(rc_params(style)):
        written = io.BytesIO()
        figure.savefig(written, format=ending, dpi=300, metadata=dates[ending])
    return write_atomically(path, written.getvalue())


def inches(text: str) -> float:
    """The inches of "3.25in", "85mm", "8.5cm" or "234pt" (TeX's points); raises UserError.

    Examples:
        >>> from scaling_search.experiment.paper_figure import inches
        >>> inches("72.27pt"), round(inches("85mm"), 2)
        (1.0, 3.35)
    """
    match = re.fullmatch(r"([0-9]*\.?[0-9]+) ?(in|cm|mm|pt)", text.strip())
    if match is None:
        raise UserError(f"a width must look like 3.25in, 85mm, 8.5cm or 234pt, got {text!r}")
    return float(match[1]) * _INCHES[match[2]]


def _check(kind: str, style: str, width: float, height: float | None) -> None:
    for name, value, choice in (("a figure", kind, Kind), ("style", style, Style)):
        choices = get_args(choice)
        require(value in choices, f"{name} must be one of {', '.join(choices)}", value)
    for side in (width, height or width):
        require(1 <= side <= 40, "a figure's sides must lie within 1 and 40 inches", side)


def _draw(axes: Any, data: Sequence[dict[str, Any]], kind: Kind, x: str, style: Style) -> list[Any]:
    if kind == "accuracy":
        return draw_accuracy(axes, data, x, style)
    return (draw_curves if kind == "curves" else draw_landscape)(axes, data, style)


def _data(out: Path, function: str | None) -> dict[str, Any]:
    experiment = read_experiment(out, function=function)
    evidence = evidence_of(experiment, Ledger.snapshot(out / "ledger.jsonl"), out)
    return page_data(frames_of(evidence))
