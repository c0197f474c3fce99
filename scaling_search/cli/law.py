"""The verb that says how error falls with size: law."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.console import console, errors, print_json, show_rows
from scaling_search.experiment.run_comparison import read_comparison
from scaling_search.law.laws import laws, too_few
from scaling_search.law.report import law_picture, law_sentences, law_table
from scaling_search.law.sizes import sizes_of
from scaling_search.recommend.goal import quantity
from scaling_search.report.cells import write_tables
from scaling_search.report.figure_style import write_picture


def law_command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run directories; of one base, images and recipe they are taken together."
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(help="Predict at these MACs: 20M,40M. [default: 2 and 4 times the largest]"),
    ] = None,
    out: options.TableFolder = None,
    as_json: options.AsJson = False,
) -> None:
    """Fit how test error falls with MACs, a law a method, and check it by its largest network.

    ε = ε∞ + β x^-c, of four sizes or more: compare.phis = "law" in a study has nine. Example:
    scaling-search law runs/photos --at 20M
    """
    macs = [] if at is None else [quantity(each, "at") for each in at.split(",")]
    every = sizes_of([(path.name, read_comparison(path)) for path in runs])
    fitted = laws(every, macs)
    table = law_table(fitted)
    if out is not None:
        write_tables([table], out)
        write_picture(law_picture(fitted), out)
    if as_json:
        print_json(json.loads(table.numbers.to_json(orient="records")))
        return
    heads = [str(head) for head in table.shown.columns]
    show_rows([dict(zip(heads, row, strict=True)) for row in table.shown.to_numpy()], False)
    for sentence in law_sentences(fitted):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    for line in too_few(every):
        errors.print(line, highlight=False, markup=False, soft_wrap=True)
