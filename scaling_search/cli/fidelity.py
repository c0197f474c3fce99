"""The verb that asks whether short, small trainings are to be believed: fidelity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.console import console, show_rows
from scaling_search.experiment.fidelity import fidelity
from scaling_search.report.cells import write_tables
from scaling_search.report.fidelity import fidelity_picture, fidelity_table
from scaling_search.report.figure_style import write_picture


def fidelity_command(
    runs: Annotated[
        list[Path], typer.Argument(help="Run directories, or folders with study and curves.csv.")
    ],
    epochs: Annotated[
        int | None,
        typer.Option(help="Leave out longer trainings, of which an unfinished run has but a few."),
    ] = None,
    out: options.TableFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Say how far cheap trainings order the networks as dear ones do: Kendall's τ, and the regret.

    Within each run short training against long and seed against seed; between runs growth against
    growth and data set against data set, on networks that share the growth alike. A run may be
    unfinished. Example: scaling-search fidelity results/tabular/fashion-mnist-2
    """
    pairs = fidelity(runs, epochs)
    table = fidelity_table(pairs)
    if out is not None:
        write_tables([table], out)
        write_picture(fidelity_picture(pairs), out)
    if as_json:
        show_rows(json.loads(table.numbers.to_json(orient="records")), True)
        return
    heads = [str(head) for head in table.shown.columns]
    show_rows([dict(zip(heads, row, strict=True)) for row in table.shown.to_numpy()], False)
    for sentence in table.numbers["verdict"]:
        console.print(f"{sentence}\n", highlight=False, markup=False)
