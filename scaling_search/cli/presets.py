"""The verbs about studies that are ready: which there are, and their files."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.console import show_rows
from scaling_search.experiment.preset_files import PRESETS, expectation, preset_text


def presets_command(as_json: options.AsJson = False) -> None:
    """List the studies that are ready: images, base network, φ, what they cost and come to.

    Hours are of this very machine with `plan`. Example: scaling-search presets
    """
    show_rows([_row(name) for name in PRESETS], as_json)


def init_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="PRESET",
            help="A name that `presets` lists.",
            autocompletion=lambda: PRESETS,
        ),
    ],
) -> None:
    """Print the file of a ready study, to be changed and run.

    Example: scaling-search init own-images > study.toml
    """
    typer.echo(preset_text(name), nl=False)


def _row(name: str) -> dict[str, object]:
    # Reading a study brings torch, which printing its file does without.
    from scaling_search.experiment.presets import preset

    study = preset(name)
    px = study.base_px
    base = study.base if px is None else f"{study.base}, {px} px"
    phis = study.compare.phis
    return {
        **{
            "name": name,
            "data set": study.data.name,
            "base": base,
            "phi": f"{min(phis):g} to {max(phis):g}",
        },
        **expectation(name)._asdict(),
    }
