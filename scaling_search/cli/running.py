"""The verbs that train: run, search, compare, train; and report, which draws again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.arch.scaling import Coefficients
from scaling_search.cli import options
from scaling_search.cli.progress import Live
from scaling_search.cli.show import errors, show_outcome
from scaling_search.data.request import NAMES, DataRequest
from scaling_search.errors import UserError
from scaling_search.network_file import named
from scaling_search.outcome import redraw
from scaling_search.pipeline import run
from scaling_search.study import Comparison, Study, preset, read, with_function, with_images


def run_command(
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.Function = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.Device = "auto",
    workers: options.WorkerCount = None,
    job_timeout: options.JobTimeout = None,
    as_json: options.AsJson = False,
) -> None:
    """Search, grow the family and its rivals, train them and write the report.

    Started again, it goes on where it stopped. Example: scaling-search run --preset demo
    """
    chosen = _study(study, preset, function, root, download)
    _drive(chosen, out, device, workers, job_timeout, as_json)


def search_command(
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.Function = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.Device = "auto",
    workers: options.WorkerCount = None,
    job_timeout: options.JobTimeout = None,
    as_json: options.AsJson = False,
) -> None:
    """Find the constants and stop there; `run` with the same --out goes on.

    Example: scaling-search search --preset fashion-mnist
    """
    chosen = _study(study, preset, function, root, download)
    _drive(chosen, out, device, workers, job_timeout, as_json, search_only=True)


def compare_command(
    alpha: options.Alpha,
    beta: options.Beta,
    gamma: options.Gamma,
    study: options.StudyFile = None,
    preset: options.Preset = None,
    function: options.Function = None,
    out: options.Out = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.Device = "auto",
    workers: options.WorkerCount = None,
    job_timeout: options.JobTimeout = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare the family of given constants with its rivals, without a search.

    Example: scaling-search compare --alpha 1.2 --beta 1.1 --gamma 1.15 --preset demo
    """
    chosen = _study(study, preset, function, root, download)
    given = replace(chosen.compare, constants=Coefficients(alpha, beta, gamma))
    chosen = replace(chosen, name=f"{chosen.name}-compare", compare=given)
    _drive(chosen, out, device, workers, job_timeout, as_json)


def train_command(
    network: options.Network,
    data: Annotated[str, typer.Option(help=f"One of {', '.join(NAMES)}.")] = "typefaces",
    root: options.Root = None,
    download: options.Download = False,
    px: options.Px = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 8,
    seeds: Annotated[int, typer.Option(help="Train so many times, seeds 0, 1, …")] = 1,
    train_images: Annotated[int | None, typer.Option(help="Use only so many images.")] = None,
    out: options.Out = None,
    device: options.Device = "auto",
    workers: options.WorkerCount = None,
    as_json: options.AsJson = False,
) -> None:
    """Train one network and score it on the test split.

    Example: scaling-search train micro --data fashion-mnist --px 28 --epochs 4
    """
    alone = Comparison(
        (0.0,), rivals=(), epochs=epochs, seeds=seeds, constants=Coefficients(1, 1, 1)
    )
    request = DataRequest(data, root=root, download=download, train_images=train_images)
    table = named(network)
    name = re.sub(r"[^\w.-]", "-", f"train-{table.name}-{data}")
    chosen = Study(name, base=table.name, network=table, base_px=px, data=request, compare=alone)
    _drive(chosen, out, device, workers, None, as_json)


def report_command(
    run_directory: Annotated[Path, typer.Argument(help="A directory that `run` wrote.")],
    function: options.Function = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a run's tables, figures and page again from its ledger; trains nothing.

    Example: scaling-search report runs/demo
    """
    show_outcome(redraw(run_directory, function=function), as_json)


def _study(
    path: Path | None, name: str | None, function: str | None, root: str | None, download: bool
) -> Study:
    if (path is None) == (name is None):
        raise UserError(
            f"a run needs a study file or a --preset, got {'both' if name else 'neither'}: "
            "try --preset demo"
        )
    chosen = read(path, function=function) if path is not None else preset(name or "")
    if function is not None:
        chosen = with_function(chosen, function)
    return with_images(chosen, root, download)


def _drive(
    study: Study,
    out: Path | None,
    device: str,
    workers: int | None,
    limit_seconds: float | None,
    as_json: bool,
    search_only: bool = False,
) -> None:
    with Live(errors) as live:
        outcome = run(
            study,
            out or Path("runs") / study.name,
            device=device,
            workers=workers,
            limit_seconds=limit_seconds,
            search_only=search_only,
            watch=live,
        )
    show_outcome(outcome, as_json)
