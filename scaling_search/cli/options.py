"""The options that several verbs share: each word means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scaling_search.compare.rivals import RIVAL_NAMES
from scaling_search.study import PRESETS

StudyFile = Annotated[
    Path | None, typer.Argument(help="A study as TOML, unless --preset names one.")
]
Preset = Annotated[str | None, typer.Option(help=f"A ready study: {', '.join(PRESETS)}.")]
Out = Annotated[Path | None, typer.Option(help="The run directory. [default: runs/NAME]")]
Function = Annotated[
    str | None,
    typer.Option(help="Your own base: module:name of a function (Multipliers) -> nn.Module."),
]
Root = Annotated[str | None, typer.Option(help="Where the files of the data set lie.")]
Download = Annotated[bool, typer.Option("--download", help="Fetch the data set if it is missing.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that train; 0: this one. [default: one a core, one on a GPU; "
        "with --ray: all there is room for]",
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        help="Train on a Ray cluster: host:port, auto (this machine's), local (start one here)."
    ),
]
GpusPerJob = Annotated[
    float | None,
    typer.Option(help="With --ray: of a GPU, such as 0.25. [default: 1 where there are any]"),
]
JobTimeout = Annotated[
    float | None, typer.Option(help="Seconds after which a training is recorded as timed out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Network = Annotated[
    str, typer.Argument(help="A name that `networks` lists, or a file of your own (….toml).")
]
Px = Annotated[int | None, typer.Option("--px", help="The side of the images in pixels.")]
Rivals = Annotated[
    str | None,
    typer.Option(
        help=f"Of {', '.join(RIVAL_NAMES)} and name=ALPHA/BETA/GAMMA, by commas. "
        "[default: the study's]"
    ),
]
Alpha = Annotated[float, typer.Option(help="Growth of depth for each φ.")]
Beta = Annotated[float, typer.Option(help="Growth of width for each φ.")]
Gamma = Annotated[float, typer.Option(help="Growth of resolution for each φ.")]
