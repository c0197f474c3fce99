"""The verb that trains one network: train."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from scaling_search.cli import options
from scaling_search.cli.output import console, errors, show_rows
from scaling_search.cli.progress import Live
from scaling_search.data.request import DATASETS
from scaling_search.experiment.network_file import network_named
from scaling_search.experiment.single_network import Trained, alone, recipe_of, train_alone
from scaling_search.jobs.executor import Epoch, Event
from scaling_search.jobs.failure_summary import failure_words
from scaling_search.jobs.result import Finished
from scaling_search.pretrained.initial import Init
from scaling_search.report.class_table import class_numbers, shown_classes
from scaling_search.training.recipes import RECIPES


def train_command(
    network: options.NetworkArgument,
    data: Annotated[str, typer.Option(help=f"One of {', '.join(DATASETS)}.")] = "typefaces",
    root: options.Root = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="Begin with torchvision, torchvision:IMAGENET1K_V2, lite or a file "
            "(.safetensors, .pth). [default: at random]"
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch images and weights that are missing.")
    ] = False,
    px: options.Px = None,
    fit_strides: Annotated[
        bool, typer.Option("--fit-strides", help="Drop early strides that leave less than 4 px.")
    ] = False,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.")] = 8,
    recipe: Annotated[
        str, typer.Option(help=f"One of {', '.join(RECIPES)}, or a file of your own (….toml).")
    ] = "default",
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images a step; the recipe's learning rate follows. [default: its own]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first training.")] = 0,
    seeds: Annotated[int, typer.Option(help="Train so many times, from --seed on.")] = 1,
    train_images: Annotated[int | None, typer.Option(help="Use only so many images.")] = None,
    ground: options.GroundOption = "white",
    value_range: options.ValueRange = None,
    readers: Annotated[
        int | None,
        typer.Option(help="Processes that decode images for each training of a large folder."),
    ] = None,
    out: options.Out = None,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: options.Gpus = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    job_timeout: options.JobTimeout = None,
    retry_failed: options.RetryFailed = False,
    track: options.Track = None,
    as_json: options.AsJson = False,
) -> None:
    """Train one network, score it on the test split and write its weights.

    Started again, it goes on where it stopped. On eight GPUs: torchrun --nproc-per-node 8
    -m scaling_search train … Example: scaling-search train efficientnet-b3
    --data imagefolder --root photos --epochs 90 --recipe modern --batch-size 256
    Fine-tuned: scaling-search train efficientnet-b0 --weights torchvision --download
    --data imagefolder --root photos --recipe fine-tune
    """
    if readers is not None:
        os.environ["SCALING_SEARCH_READERS"] = str(readers)  # the workers inherit it
    request = options.data_request(
        data,
        root=root,
        download=download and (weights is None or data != "imagefolder"),
        train_images=train_images,
        ground=ground,
        value_range=value_range,
    )
    table, chosen = network_named(network), recipe_of(recipe, batch_size)
    name = re.sub(r"[^\w.-]", "-", f"train-{table.name}-{data}")
    init = None if weights is None else Init(weights, download)
    every = range(seed, seed + seeds)
    study = alone(
        table,
        name,
        request,
        chosen,
        px=px,
        fit_strides=fit_strides,
        epochs=epochs,
        seeds=every,
        init=init,
    )
    with EpochLines(errors) as live:
        trained = train_alone(
            study,
            every,
            out or Path("runs") / name,
            device=device,
            workers=workers,
            gpus=gpus,
            jobs_per_gpu=options.jobs_per_gpu(jobs_per_gpu),
            limit_seconds=job_timeout,
            retry_failed=retry_failed,
            track=track or (),
            listener=live,
        )
    _show_trained(trained, as_json)


class EpochLines(Live):
    """Prints a line for each epoch too: a log then tells how a long training goes."""

    def event(self, event: Event) -> None:
        """Move the bars, and say what an epoch showed."""
        super().event(event)
        if isinstance(event, Epoch):
            shown, job = event.record, event.job
            self.say(
                f"seed {job.seed}, epoch {shown.epoch} of {job.epochs}: "
                f"loss {shown.train_loss:.4f}, validation {shown.validation_top1:.2%}, "
                f"{shown.train_seconds:.0f} s of training"
            )


def _show_trained(trained: Sequence[Trained], as_json: bool) -> None:
    files = [
        {"weights": str(one.weights) if one.weights else None, "classes": one.by_class}
        for one in trained
    ]
    rows = [one.row for one in trained]
    if as_json:
        show_rows([row | file for row, file in zip(rows, files, strict=True)], True)
    else:
        show_rows(rows, False)
        _show_classes(trained)
        for one in trained:
            if one.weights is not None:
                console.print(str(one.weights), style="bold", soft_wrap=True, highlight=False)
    failed = [one for one in trained if not isinstance(one.result, Finished)]
    for one in failed:
        words = f"{failure_words(one.result)}; as it is, --retry-failed tries it again"
        line = f"{one.job.architecture.name}, seed {one.job.seed}: {words}"
        errors.print(line, soft_wrap=True, markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)


def _show_classes(trained: Sequence[Trained]) -> None:
    """How each class does over all seeds; the worst ten where there are more than 30."""
    counted = [row | {"seed": one.job.seed} for one in trained for row in one.by_class]
    if not counted:
        return
    numbers = class_numbers(pd.DataFrame(counted), by=["class"]).set_index("class")
    shown = shown_classes(numbers["test_percent"])
    chosen = numbers.loc[shown].to_dict("index")
    rows = [{"class": str(name), **_class_cells(row)} for name, row in chosen.items()]
    few = len(shown) < len(numbers)
    show_rows(rows, False, f"the worst {len(shown)} of {len(numbers)} classes" if few else "")


def _class_cells(row: Mapping[Hashable, Any]) -> dict[str, object]:
    cells: dict[str, object] = {}
    for split in ("validation", "test"):
        cells[f"{split}_images"] = round(row[f"{split}_images"])
        cells[f"{split}_right_percent"] = f"{row[f'{split}_percent']:.1f}"
    return cells
