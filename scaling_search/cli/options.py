"""The options that several verbs share: each word means the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from scaling_search.arch import zoo
from scaling_search.compare.rival_names import RIVAL_NAMES
from scaling_search.core.errors import UserError
from scaling_search.core.pixel_rules import GROUNDS
from scaling_search.data.request import DataRequest
from scaling_search.experiment.preset_files import PRESETS
from scaling_search.trackers.choice import TRACKERS

StudyFile = Annotated[
    Path | None,
    typer.Argument(help="A study as TOML (`init` prints one), unless --preset names one."),
]
Preset = Annotated[
    str | None,
    typer.Option(help=f"A ready study: {', '.join(PRESETS)}.", autocompletion=lambda: PRESETS),
]
Out = Annotated[Path | None, typer.Option(help="The run directory. [default: runs/NAME]")]
FunctionOption = Annotated[
    str | None,
    typer.Option(help="Your own base: module:name of a function (Multipliers) -> nn.Module."),
]
TableFolder = Annotated[
    Path | None, typer.Option("--out", help="Write the table and its picture there as well.")
]
Root = Annotated[str | None, typer.Option(help="Where the files of the data set lie.")]
MovedRoot = Annotated[
    str | None,
    typer.Option("--root", help="Where the run's images lie now, if they have moved."),
]
Download = Annotated[
    bool,
    typer.Option("--download", help="Fetch images, and the weights of a study, that are missing."),
]
GroundOption = Annotated[
    str, typer.Option(help=f"What transparency is laid on: {', '.join(GROUNDS)}.")
]
ValueRange = Annotated[
    str | None,
    typer.Option(
        help="The values that are black and white in images of more than 8 bits, such as 0,4095."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        help="Processes that train, on all GPUs together; 0: this one. [default: one a core; on "
        "GPUs --jobs-per-gpu on each; with --ray: all there is room for]",
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
Gpus = Annotated[
    str | None,
    typer.Option(
        help="How many GPUs train, or which: 0,2,5 of the visible ones, or UUIDs. [default: all]"
    ),
]
JobsPerGpu = Annotated[
    str, typer.Option(help="Trainings at once on each GPU; auto: as many as a short trial finds.")
]
JobTimeout = Annotated[
    float | None, typer.Option(help="Seconds after which a training is recorded as timed out.")
]
MaxHours = Annotated[
    float | None,
    typer.Option(
        help="Begin nothing that would not end within so many hours from now; the search makes way "
        "for the comparison."
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option(
        "--retry-failed",
        help="Try failed trainings again, though nothing has changed that they may have failed of.",
    ),
]
Track = Annotated[
    list[str] | None,
    typer.Option(help=f"Also tell {', '.join(TRACKERS)} of each training; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
NetworkArgument = Annotated[
    str,
    typer.Argument(
        help="A name that `networks` lists, or a file of your own (….toml).",
        autocompletion=zoo.network_names,
    ),
]
ComparisonSeed = Annotated[
    int | None, typer.Option(help="Of the comparison's seeds, this one. [default: its first]")
]
Px = Annotated[int | None, typer.Option("--px", help="The side of the images in pixels.")]
Rivals = Annotated[
    str | None,
    typer.Option(
        help=f"Of {', '.join(RIVAL_NAMES)} and name=ALPHA/BETA/GAMMA, by commas. "
        "[default: the study's]"
    ),
]
Phis = Annotated[
    str | None,
    typer.Option(
        help="At these φ, as --phis=-1,0,1, or law: nine from a quarter of the base's cost to four "
        "times it. [default: the study's]"
    ),
]
Alpha = Annotated[float, typer.Option(help="Growth of depth for each φ.")]
Beta = Annotated[float, typer.Option(help="Growth of width for each φ.")]
Gamma = Annotated[float, typer.Option(help="Growth of resolution for each φ.")]


def data_request(name: str, *, ground: str, value_range: str | None, **fields: Any) -> DataRequest:
    """The request that these options make; raises UserError for what they can't mean.

    Examples:
        >>> from scaling_search.cli.options import data_request
        >>> root = {"root": "~/scans"}
        >>> data_request("imagefolder", ground="black", value_range="0,4095", **root).value_range
        (0.0, 4095.0)
    """
    chosen = next((choice for choice in GROUNDS if choice == ground), None)
    if chosen is None:
        raise UserError(f"ground must be one of {', '.join(GROUNDS)}, got {ground!r}")
    return DataRequest(name, ground=chosen, value_range=_range(value_range), **fields)


def _range(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        black, white = map(float, text.split(","))
    except ValueError:
        raise UserError(f"value-range must look like 0,4095, got {text!r}") from None
    return black, white


def jobs_per_gpu(text: str) -> int | Literal["auto"]:
    """What --jobs-per-gpu says; raises UserError for anything but auto and whole numbers.

    Examples:
        >>> from scaling_search.cli.options import jobs_per_gpu
        >>> jobs_per_gpu("auto"), jobs_per_gpu("4")
        ('auto', 4)
    """
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise UserError(f"--jobs-per-gpu must be auto, or 1 or more, got {text!r}")
    return int(text)
