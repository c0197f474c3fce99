"""The verb that trains one network: train."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import typer

from scaling_search.cli import options, train_options
from scaling_search.cli.console import console, errors, show_rows
from scaling_search.cli.progress import ProgressBars
from scaling_search.experiment.network_file import network_named
from scaling_search.experiment.recipe_file import recipe_of
from scaling_search.experiment.single_network import Trained, alone, train_alone
from scaling_search.jobs.executor import Epoch, Event
from scaling_search.jobs.failure_summary import failure_words
from scaling_search.jobs.result import Finished
from scaling_search.pretrained.initial import Init
from scaling_search.report.class_table import class_numbers, shown_classes


def train_command(
    network: options.NetworkArgument,
    data: train_options.DataName = "typefaces",
    root: options.Root = None,
    weights: train_options.Weights = None,
    download: options.Download = False,
    px: options.Px = None,
    fit_strides: train_options.FitStrides = False,
    epochs: train_options.Epochs = 8,
    recipe: train_options.RecipeName = "default",
    batch_size: train_options.BatchSizeOption = None,
    seed: train_options.FirstSeed = 0,
    seeds: train_options.SeedCount = 1,
    train_images: train_options.TrainImages = None,
    ground: options.GroundOption = "white",
    value_range: options.ValueRange = None,
    readers: train_options.Readers = None,
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
    images = {"root": root, "train_images": train_images}
    images["download"] = download and (weights is None or data != "imagefolder")
    request = options.data_request(data, ground=ground, value_range=value_range, **images)
    table, all_seeds = network_named(network), range(seed, seed + seeds)
    study = alone(
        table,
        re.sub(r"[^\w.-]", "-", f"train-{table.name}-{data}"),
        request,
        recipe_of(recipe, batch_size),
        px=px,
        fit_strides=fit_strides,
        epochs=epochs,
        seeds=all_seeds,
        init=None if weights is None else Init(weights, download),
    )
    with EpochLines(errors) as bars:
        trained = train_alone(
            study,
            all_seeds,
            out or Path("runs") / study.name,
            device=device,
            workers=workers,
            gpus=gpus,
            jobs_per_gpu=options.jobs_per_gpu(jobs_per_gpu),
            limit_seconds=job_timeout,
            retry_failed=retry_failed,
            track=track or (),
            listener=bars,
        )
    _show_trained(trained, as_json)


class EpochLines(ProgressBars):
    """Prints a line for each epoch too: a log then tells how a long training goes."""

    def event(self, event: Event) -> None:
        """Move the bars, and say what an epoch showed."""
        super().event(event)
        if isinstance(event, Epoch):
            record, job = event.record, event.job
            self.say(
                f"seed {job.seed}, epoch {record.epoch} of {job.epochs}: "
                f"loss {record.train_loss:.4f}, validation {record.validation_top1:.2%}, "
                f"{record.train_seconds:.0f} s of training"
            )


def _show_trained(trained: Sequence[Trained], as_json: bool) -> None:
    rows = [training.row for training in trained]
    if as_json:
        files = [
            {"weights": str(t.weights) if t.weights else None, "classes": t.by_class}
            for t in trained
        ]
        show_rows([row | file for row, file in zip(rows, files, strict=True)], True)
    else:
        show_rows(rows, False)
        _show_classes(trained)
        for path in filter(None, (training.weights for training in trained)):
            console.print(str(path), style="bold", soft_wrap=True, highlight=False)
    failed = [training for training in trained if not isinstance(training.result, Finished)]
    for training in failed:
        errors.print(_failure_line(training), soft_wrap=True, markup=False, highlight=False)
    if failed:
        raise typer.Exit(1)


def _failure_line(training: Trained) -> str:
    words = f"{failure_words(training.result)}; as it is, --retry-failed tries it again"
    return f"{training.job.architecture.name}, seed {training.job.seed}: {words}"


def _show_classes(trained: Sequence[Trained]) -> None:
    """How each class does over all seeds; the worst ten where there are more than 30."""
    counted = [
        row | {"seed": training.job.seed} for training in trained for row in training.by_class
    ]
    if not counted:
        return
    numbers = class_numbers(pd.DataFrame(counted), by=["class"]).set_index("class")
    classes = shown_classes(numbers["test_percent"])
    chosen = numbers.loc[classes].to_dict("index")
    rows = [{"class": str(name), **_class_cells(row)} for name, row in chosen.items()]
    few = len(classes) < len(numbers)
    show_rows(rows, False, f"the worst {len(classes)} of {len(numbers)} classes" if few else "")


def _class_cells(row: Mapping[Hashable, Any]) -> dict[str, object]:
    cells: dict[str, object] = {}
    for split in ("validation", "test"):
        cells[f"{split}_images"] = round(row[f"{split}_images"])
        cells[f"{split}_right_percent"] = f"{row[f'{split}_percent']:.1f}"
    return cells
