"""The verb that says which network to use: recommend."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options
from scaling_search.cli.console import console, print_json
from scaling_search.core.atomic_files import write_atomically
from scaling_search.core.errors import UserError
from scaling_search.experiment.run_comparison import read_comparison
from scaling_search.experiment.study_file import to_toml
from scaling_search.recommend.goal import Limits, accuracy_goal, quantity
from scaling_search.recommend.recommendation import Recommendation, reaching, within
from scaling_search.recommend.words import (
    name_of_study,
    recommendation_sentences,
    recommendation_values,
    study_of,
)

Macs = Annotated[str | None, typer.Option(help="At most so many multiply-adds an image: 2G, 300M.")]
Params = Annotated[str | None, typer.Option(help="At most so many parameters: 5M.")]
Memory = Annotated[
    str | None, typer.Option(help="At most so many bytes at the peak of inference: 1G.")
]
LatencyMs = Annotated[
    float | None,
    typer.Option(help="At most so many milliseconds an image, on the run's machine."),
]
Accuracy = Annotated[
    float | None,
    typer.Option(help="Instead of limits: the test top-1 to reach, as a fraction such as 0.9."),
]
OneMethod = Annotated[
    str | None,
    typer.Option(help="Of this method alone: compound, depth … [default: of all in the run]"),
]
StudyToWrite = Annotated[
    Path | None, typer.Option(help="Write a study that trains the network there (….toml).")
]


def recommend_command(
    run_directory: Annotated[Path, typer.Argument(help="A directory that `run` wrote.")],
    macs: Macs = None,
    params: Params = None,
    memory: Memory = None,
    latency_ms: LatencyMs = None,
    accuracy: Accuracy = None,
    method: OneMethod = None,
    out: StudyToWrite = None,
    function: options.FunctionOption = None,
    as_json: options.AsJson = False,
) -> None:
    """Say which network of a run to use within limits, or to reach an accuracy, and what to expect.

    Several limits hold together. Example: scaling-search recommend results/cifar10 --macs 6M
    """
    limits = _limits(macs, params, memory, latency_ms)
    _require_one(limits, accuracy)
    goal = None if accuracy is None else accuracy_goal(accuracy)
    comparison = read_comparison(run_directory, function=function)
    recommendation = (
        within(comparison, limits, method) if goal is None else reaching(comparison, goal, method)
    )
    if out is not None:
        write_atomically(out, to_toml(study_of(recommendation)))
    _show(recommendation, _command(recommendation, out, run_directory), as_json)


def _limits(
    macs: str | None, params: str | None, memory: str | None, latency_ms: float | None
) -> Limits:
    texts = {"macs": macs, "params": params, "memory": memory}
    read = {name: quantity(text, name) for name, text in texts.items() if text is not None}
    return Limits(**read, latency_ms=latency_ms)


def _require_one(limits: Limits, accuracy: float | None) -> None:
    if bool(limits.given) == (accuracy is not None):
        raise UserError(
            "a recommendation needs limits or an accuracy, "
            f"got {'both' if limits.given else 'neither'}: try --macs 2G, or --accuracy 0.9"
        )


def _show(recommendation: Recommendation, command: str, as_json: bool) -> None:
    if as_json:
        print_json({**recommendation_values(recommendation), "train": command})
        return
    for sentence in (*recommendation_sentences(recommendation), command):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def _command(recommendation: Recommendation, out: Path | None, run_directory: Path) -> str:
    name = name_of_study(recommendation)
    if out is None:
        return f"To train it, add --out {name}.toml, then: scaling-search run {name}.toml"
    folder = Path("runs") / name
    words = ["scaling-search", "run", str(out), "--out", str(folder)]
    trained = ""
    if recommendation.best.standing == "measured":
        address = f"{recommendation.best.method}:{recommendation.best.phi:g}"
        address = "base" if recommendation.best.phi == 0 else address
        again = shlex.join(["scaling-search", "export", str(run_directory), address])
        trained = f" (or take the trained weights: {again})"
    return f"To train it: {shlex.join(words)}{trained}"
