"""The verbs that draw: figure, for papers, and watch, while a run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import typer

from scaling_search.cli import options
from scaling_search.cli.console import console, errors
from scaling_search.core.errors import UserError
from scaling_search.experiment.paper_figure import FIGURE_FORMATS, figure, inches, save_figure
from scaling_search.experiment.watch_server import serving
from scaling_search.report.paper_figures import X_NAMES, Kind, Style

KINDS: tuple[Kind, ...] = get_args(Kind)
LOOKS: tuple[Style, ...] = get_args(Style)
_Choice = TypeVar("_Choice", bound=str)


def figure_command(
    runs: Annotated[list[Path], typer.Argument(help="Directories that `run` wrote, up to four.")],
    kind: Annotated[str, typer.Argument(help=f"{', '.join(KINDS)}.")],
    x: Annotated[str, typer.Option("--x", help=f"One of {', '.join(X_NAMES)}.")] = "macs",
    width: Annotated[str, typer.Option(help="Such as 3.25in, 85mm or 234pt.")] = "3.25in",
    height: Annotated[
        str | None, typer.Option(help="[default: 0.78 of the width, 1.05 for a landscape]")
    ] = None,
    style: Annotated[str, typer.Option(help=f"{' or '.join(LOOKS)}.")] = "paper",
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FIGURE_FORMATS)}.")] = "pdf",
    methods: Annotated[
        str | None, typer.Option(help="Such as compound,depth. [default: all]")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file. [default: KIND-X.FORMAT]")] = None,
    function: options.FunctionOption = None,
) -> None:
    """Draw a figure for a paper: column width, fonts embedded, told apart in grey too.

    Trains nothing. Example: scaling-search figure runs/demo accuracy --x macs --width 3.25in
    """
    chosen, look = _choice(kind, KINDS), _choice(style, LOOKS)
    name = f"{kind}-{x}" if chosen == "accuracy" else kind
    drawing = figure(
        runs,
        chosen,
        x=x,
        width_inches=inches(width),
        height_inches=None if height is None else inches(height),
        style=look,
        methods=methods.split(",") if methods else (),
        function=function,
    )
    path = save_figure(drawing, out or Path(f"{name}.{format}"), look)
    console.print(str(path), style="bold", soft_wrap=True, highlight=False)


def _choice(name: str, choices: Sequence[_Choice]) -> _Choice:
    for choice in choices:
        if choice == name:
            return choice
    raise UserError(f"a figure is one of {', '.join(choices)}, got {name!r}")


def watch_command(
    run_directory: Annotated[Path, typer.Argument(help="A directory that `run` writes.")],
    port: Annotated[int | None, typer.Option(help="[default: a free one]")] = None,
    function: options.FunctionOption = None,
) -> None:
    """Serve a run's page on this machine alone, and draw it again as results come.

    Nothing can be changed through it; Ctrl-C ends it, and the run goes on. On another machine:
    ssh -L 8000:127.0.0.1:8000 there. Example: scaling-search watch runs/demo --port 8000
    """
    with serving(run_directory, port or 0, function=function) as server:
        console.print(server.address, soft_wrap=True, highlight=False)
        errors.print("Ctrl-C ends it; the run goes on without it.", highlight=False)
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.2)
