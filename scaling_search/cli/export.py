"""The verbs that hand out what a run found: export, predict and export-optuna."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from scaling_search.arch import zoo
from scaling_search.cli import options
from scaling_search.cli.console import errors, show_rows
from scaling_search.core.errors import UserError, require
from scaling_search.data.decode import decode
from scaling_search.experiment.trained_weights import seed_of, trained_network
from scaling_search.nets.export import FORMATS, SUFFIXES, Format, export
from scaling_search.nets.model_card import Card
from scaling_search.nets.predict import Guess, Predictor, module_predictor, predict, read_predictor
from scaling_search.pretrained.exporting import exportable
from scaling_search.pretrained.predictions import guesses_of
from scaling_search.pretrained.sources import ENDINGS, Wish, pretrained

RunDirectory = Annotated[Path, typer.Argument(help="A directory that `run` wrote.")]


def export_command(
    source: Annotated[
        Path,
        typer.Argument(
            help="A directory that `run` wrote, or a network with weights: resnet-50@torchvision."
        ),
    ],
    network: Annotated[
        str | None,
        typer.Argument(help="Of a run, a network of the comparison: base, compound:1 …"),
    ] = None,
    format: Annotated[str, typer.Option(help=f"One of {', '.join(FORMATS)}.")] = "safetensors",
    seed: options.ComparisonSeed = None,
    root: options.MovedRoot = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file. [default: in RUN/exports; for published weights NAME.…]"),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch published weights if they are missing.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a trained network as a file, with its classes, resolution and normalisation.

    Example: scaling-search export runs/demo compound:1 --format onnx
    """
    chosen = _format(format)
    if _is_address(source):
        require(network is None, "a network is named once, so the second is left out", network)
        module, card = exportable(str(source), Wish(download=download, report=errors.print))
        path = Path(f"{str(source).partition('@')[0]}{SUFFIXES[chosen]}")
    else:
        rule = "of a run's directory the network must be named"
        require(network is not None, rule, "none", "try base, or compound:1")
        named, seed = network or "", seed_of(source, seed)
        module, card = trained_network(source, named, seed, root=root)
        name = f"{named.replace(':', '-').replace(' φ=', '-')}-seed-{seed}{SUFFIXES[chosen]}"
        path = source / "exports" / name
    exported = export(module, card, out or path, chosen)
    row = {
        "network": card.architecture.name,
        "format": exported.format,
        "file": str(exported.path),
        "bytes": exported.bytes,
        "largest_difference": float(f"{exported.largest_difference:.1e}"),
    }
    show_rows([row], as_json)


def predict_command(
    model: Annotated[
        Path,
        typer.Argument(
            help="An exported file, a run directory, or a network with weights as `evaluate` takes "
            "it: efficientnet-lite0, resnet-50@torchvision, resnet50.a1_in1k@timm."
        ),
    ],
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    network: Annotated[str | None, typer.Option(help="The network, for a run directory.")] = None,
    seed: options.ComparisonSeed = None,
    root: options.MovedRoot = None,
    top: Annotated[int, typer.Option(help="So many classes for each image.")] = 5,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch published weights if they are missing.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Say which classes a network sees in image files, and how sure it is.

    Example: scaling-search predict runs/demo/exports/base-seed-1000.safetensors photo.jpg
    """
    require(top >= 1, "top must be at least 1", top)
    if _is_address(model) or not (model.exists() or model.suffix in ENDINGS):
        require(network is None, "a network is named once, so --network must be left out", network)
        rule = "what predicts is an exported file, a run directory or a network (@WEIGHTS)"
        there = "@" in str(model) or str(model) in zoo.network_names()
        require(there, rule, str(model), "nothing lies there, and no network is called so")
        evaluated = pretrained(str(model), Wish(download=download, report=errors.print))
        guesses = guesses_of(evaluated, images, top)
    else:
        predictor = _predictor(model, network, seed, root)
        guesses = _guesses(model, predictor, images, top)
    rows = [
        {
            "image": str(path),
            "rank": rank,
            "class": guess.name,
            "probability": round(guess.probability, 3),
        }
        for path, row in zip(images, guesses, strict=True)
        for rank, guess in enumerate(row, 1)
    ]
    show_rows(rows, as_json)


def export_optuna_command(
    run_directory: RunDirectory,
    storage: Annotated[str, typer.Argument(help="A database as an URL: sqlite:///study.db")],
    name: Annotated[
        str | None, typer.Option(help="The study's name there. [default: the run's own]")
    ] = None,
    function: options.FunctionOption = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a run's search as an Optuna study, one trial a candidate, for optuna-dashboard.

    The run itself is only read. Example: scaling-search export-optuna runs/demo sqlite:///study.db
    """
    # Its database's library takes a third of a second to import: only this verb waits.
    from scaling_search.experiment.optuna_export import export_optuna

    exported = export_optuna(run_directory, storage, name, function=function)
    row = {"study": exported.name, "storage": exported.storage, **exported.states}
    show_rows([{**row, "missing_trainings": exported.missing}], as_json)
    if exported.missing:
        errors.print(
            f"the search lacks {exported.missing} trainings: what it is not done with is RUNNING; "
            "export again under another --name when it has ended",
            soft_wrap=True,
            highlight=False,
        )


def _is_address(source: Path) -> bool:
    """Whether a network with weights is named, and no path to a run or a file."""
    return not source.exists() and ("@" in str(source) or str(source) in zoo.network_names())


def _guesses(model: Path, predictor: Predictor, images: list[Path], top: int) -> list[list[Guess]]:
    if predictor.card.resize_px is not None:  # published weights see more than the side at first
        return guesses_of(pretrained(str(model), Wish()), images, top)
    return predict(predictor, _decoded(images, predictor.card), top)


def _predictor(model: Path, network: str | None, seed: int | None, root: str | None) -> Predictor:
    if model.is_dir():
        require(network is not None, "a run directory needs --network", "none", "try base")
        return module_predictor(*trained_network(model, network or "", seed, root=root))
    require(network is None, "a file holds one network, so --network must be left out", network)
    return read_predictor(model)


def _decoded(paths: list[Path], card: Card) -> torch.Tensor:
    """The images as they were in training, uint8 N × C × px × px."""
    px, channels = card.architecture.resolution_px, card.architecture.in_channels
    decoded = [decode(path, px, channels, card.pixel_rules) for path in paths]
    return torch.from_numpy(np.stack(decoded))


def _format(name: str) -> Format:
    for format in FORMATS:
        if format == name:
            return format
    raise UserError(f"format must be one of {', '.join(FORMATS)}, got {name!r}")
