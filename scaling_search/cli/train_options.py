"""The options of `train` alone."""

from __future__ import annotations

from typing import Annotated

import typer

from scaling_search.data.request import DATASETS
from scaling_search.training.recipes import RECIPES

DataName = Annotated[str, typer.Option(help=f"One of {', '.join(DATASETS)}.")]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Begin with torchvision, torchvision:IMAGENET1K_V2, lite or a file "
        "(.safetensors, .pth). [default: at random]"
    ),
]
FitStrides = Annotated[
    bool, typer.Option("--fit-strides", help="Drop early strides that leave less than 4 px.")
]
Epochs = Annotated[int, typer.Option(help="Passes over the training images.")]
RecipeName = Annotated[
    str, typer.Option(help=f"One of {', '.join(RECIPES)}, or a file of your own (….toml).")
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(help="Images a step; the recipe's learning rate follows. [default: its own]"),
]
FirstSeed = Annotated[int, typer.Option(help="Of the first training.")]
SeedCount = Annotated[int, typer.Option(help="Train so many times, from --seed on.")]
TrainImages = Annotated[int | None, typer.Option(help="Use only so many images.")]
Readers = Annotated[
    int | None,
    typer.Option(help="Processes that decode images for each training of a large folder."),
]
