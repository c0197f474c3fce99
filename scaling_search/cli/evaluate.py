"""The verb that scores networks with weights which exist already: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from scaling_search.cli import options
from scaling_search.cli.console import console, errors, print_json, show_rows
from scaling_search.cli.progress import draws_bars
from scaling_search.core.errors import UserError
from scaling_search.jobs.environment import chosen_device
from scaling_search.latency.job import TimeBudget
from scaling_search.pretrained.evaluation import Evaluation, evaluate
from scaling_search.pretrained.shown import (
    differences_table,
    evaluation_values,
    networks_table,
    write_evaluation,
)
from scaling_search.pretrained.sources import Wish
from scaling_search.report.cells import Table

NetworkNames = Annotated[
    list[str],
    typer.Argument(
        help="Names that `networks` lists, each perhaps with weights of its own (NAME@WEIGHTS); "
        "base, compound:1 … of a run; exported files; timm's names (NAME@timm)."
    ),
]
Images = Annotated[
    Path | None,
    typer.Option("--root", help="The images: val/, else test/, else its folders are the classes."),
]
PretrainedWeights = Annotated[
    str | None,
    typer.Option(
        help="torchvision, torchvision:IMAGENET1K_V2, lite, timm, a file (.safetensors, .pth) or "
        "a run directory. [default: lite for the Lites]"
    ),
]
Fetch = Annotated[
    bool, typer.Option("--download", help="Fetch published weights that are missing.")
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="A file of lines folder,class (a wnid, name or number), or the word sorted. "
        "[default: folders are named by their classes]"
    ),
]
SplitOption = Annotated[
    str | None, typer.Option(help="The folder of the root to take. [default: val, else test]")
]
Few = Annotated[
    int | None, typer.Option("--images", help="Only so many, evenly spaced. [default: all]")
]
Side = Annotated[
    int | None, typer.Option("--px", help="Another side in pixels. [default: the weights' own]")
]
CropShare = Annotated[
    float | None,
    typer.Option(help="Of the resized side, cut out so much. [default: the weights' own]"),
]
Filter = Annotated[
    str | None,
    typer.Option("--interpolation", help="bilinear or bicubic. [default: the weights' own]"),
]
LatencyOption = Annotated[
    bool,
    typer.Option(
        "--latency", help="Time the networks too, an image at a time, in fresh processes."
    ),
]
Seconds = Annotated[float, typer.Option(help="Of measuring with --latency, for one attempt.")]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--out", help="Write tables, picture and what is seen of each image there as well."
    ),
]


def evaluate_command(
    networks: NetworkNames,
    root: Images = None,
    weights: PretrainedWeights = None,
    download: Fetch = False,
    classes: Classes = None,
    split: SplitOption = None,
    images: Few = None,
    px: Side = None,
    crop_share: CropShare = None,
    interpolation: Filter = None,
    seed: options.ComparisonSeed = None,
    batch: Annotated[int, typer.Option(help="Images at a time.")] = 64,
    latency: LatencyOption = False,
    seconds: Seconds = 30.0,
    out: Folder = None,
    device: options.DeviceOption = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Score pretrained networks on labelled images: top-1, top-5, cross-entropy, MACs.

    Nothing is trained, and nothing fetched without --download. Example: scaling-search evaluate
    efficientnet-b0 efficientnet-b1 resnet-50 --weights torchvision --root imagenet --out b0-b1
    """
    if root is None:
        raise UserError(
            "an evaluation needs images, got none: name with --root the folder that holds val/"
        )
    place = torch.device(chosen_device(device))
    wish = Wish(weights, download, place, px, crop_share, interpolation, seed, report=_say)
    with _Bars(errors) as bars:
        evaluation = evaluate(
            networks,
            root,
            wish,
            split=split,
            classes=None if classes is None else Path(classes),
            images=images,
            batch=batch,
            out=out,
            times=TimeBudget(seconds) if latency else None,
            watch=bars,
        )
    _show_evaluation(evaluation, out, as_json)


def _show_evaluation(evaluation: Evaluation, out: Path | None, as_json: bool) -> None:
    if out is not None:
        write_evaluation(evaluation, out)
    if as_json:
        print_json(evaluation_values(evaluation))
        return
    _show(networks_table(evaluation))
    if len(evaluation.differences):
        _show(differences_table(evaluation))
    for remark in evaluation.remarks:
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
    if out is not None:
        console.print(str(out), style="bold", soft_wrap=True, highlight=False)


class _Bars:
    """A bar for the network that is evaluated; off a terminal, a line when it is done."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} images"),
            console=console,
            disable=not draws_bars(console),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, network: str, done: int, images: int) -> None:
        if network not in self._tasks:
            self._tasks[network] = self._progress.add_task(network, total=images)
        self._progress.update(self._tasks[network], completed=done)
        if done == images and self._progress.disable:
            _say(f"{network}: {images:,} images")


def _say(text: str) -> None:
    errors.print(text, highlight=False, markup=False, soft_wrap=True)


def _show(table: Table) -> None:
    heads = [str(head) for head in table.shown.columns]
    show_rows([dict(zip(heads, row, strict=True)) for row in table.shown.to_numpy()], False)
