"""The verb that says how each dimension's best size grows with training: star."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.arch.scaling import AXIS_NAMES, AxisName
from scaling_search.cli import options
from scaling_search.cli.console import console, errors, print_json, show_rows
from scaling_search.cli.progress import ProgressBars
from scaling_search.cli.study_runs import chosen_study
from scaling_search.core.errors import UserError
from scaling_search.experiment.study import with_images
from scaling_search.report.cells import write_tables
from scaling_search.report.figure_style import write_picture
from scaling_search.star.findings import StarFindings
from scaling_search.star.report import exponents_table, points_table, star_picture, star_sentences
from scaling_search.star.sweep import SCORES, Score, StarSweep
from scaling_search.star.training import StarStudy, of_study, star_study, train_star


def star_command(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study as TOML, or a run's directory, whose constants are then held."
        ),
    ] = None,
    preset: options.Preset = None,
    phi: Annotated[float, typer.Option(help="Of the centre, the largest network.")] = 2.0,
    sizes: Annotated[int, typer.Option(help="Of each dimension, from the centre down.")] = 6,
    step: Annotated[float, typer.Option(help="A size over the one above it.")] = 0.8,
    epochs: Annotated[
        str | None,
        typer.Option(
            help="Lengths of training, three or more: 2,4,8. [default: a quarter, a half and all "
            "of the comparison's]"
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Each network is trained from so many.")] = 2,
    axes: Annotated[str, typer.Option(help="The dimensions, two or more.")] = ",".join(AXIS_NAMES),
    score: Annotated[
        str, typer.Option(help="loss (cross-entropy, the less noisy) or error, of validation.")
    ] = "loss",
    out: Annotated[
        Path | None, typer.Option(help="The star's directory. [default: runs/NAME-star]")
    ] = None,
    root: options.Root = None,
    download: options.Download = False,
    device: options.DeviceOption = "auto",
    workers: options.WorkerCount = None,
    gpus: options.Gpus = None,
    jobs_per_gpu: options.JobsPerGpu = "auto",
    job_timeout: options.JobTimeout = None,
    retry_failed: options.RetryFailed = False,
    track: options.Track = None,
    as_json: options.AsJson = False,
) -> None:
    """Make each dimension of a large network smaller alone, and say how its best size grows.

    For several lengths of training: exponents, and the constants that they imply beside those of
    the study. Started again, it goes on. Example: scaling-search star runs/demo --epochs 2,4,8
    """
    centred = _star_study(study, preset, root, download)
    lengths = _lengths(epochs, centred.study.compare.epochs)
    sweep = StarSweep(lengths, phi, sizes, step, seeds, _axes(axes), _score(score))
    folder = out or Path("runs") / f"{centred.study.name}-star"
    with ProgressBars(errors) as bars:
        findings = train_star(
            centred,
            sweep,
            folder,
            device=device,
            workers=workers,
            gpus=gpus,
            jobs_per_gpu=options.jobs_per_gpu(jobs_per_gpu),
            limit_seconds=job_timeout,
            retry_failed=retry_failed,
            track=track or (),
            listener=bars,
        )
    _show(findings, folder, as_json)


def _star_study(
    study: Path | None, preset: str | None, root: str | None, download: bool
) -> StarStudy:
    if study is not None and preset is None and study.is_dir():
        of_run = star_study(study)
        return replace(of_run, study=with_images(of_run.study, root, download))
    return of_study(chosen_study(study, preset, None, root, download))


def _lengths(text: str | None, most: int) -> tuple[int, ...]:
    """What --epochs says; else a quarter, a half and all of so many."""
    if text is None:
        return tuple(sorted({max(1, most // 4), max(1, most // 2), most}))
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise UserError(f"lengths are whole numbers of epochs, got {text!r}: try 2,4,8") from None


def _axes(text: str) -> tuple[AxisName, ...]:
    named = [word.strip() for word in text.split(",")]
    strange = [word for word in named if word not in AXIS_NAMES]
    if strange:
        raise UserError(f"dimensions are of {', '.join(AXIS_NAMES)}, got {strange[0]!r}")
    return tuple(axis for word in named for axis in AXIS_NAMES if axis == word)


def _score(text: str) -> Score:
    for score in SCORES:
        if score == text:
            return score
    raise UserError(f"a score is one of {', '.join(SCORES)}, got {text!r}")


def _show(findings: StarFindings, folder: Path, as_json: bool) -> None:
    table = exponents_table(findings)
    write_tables([table, points_table(findings)], folder)
    _, picture_path = write_picture(star_picture(findings), folder)
    if as_json:
        print_json(json.loads(table.numbers.to_json(orient="records")))
        return
    heads = [str(head) for head in table.shown.columns]
    show_rows([dict(zip(heads, row, strict=True)) for row in table.shown.to_numpy()], False)
    for sentence in star_sentences(findings):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    console.print(str(picture_path), style="bold", soft_wrap=True, highlight=False)
