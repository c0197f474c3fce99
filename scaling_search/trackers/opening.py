"""The trackers by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from scaling_search.core.errors import UserError, require
from scaling_search.trackers.sender import Sender, error_line
from scaling_search.trackers.tracker import Tracker

TrackerName = Literal["tensorboard", "wandb", "mlflow"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
INSTALLED_BY: dict[TrackerName, str] = {
    "tensorboard": "pip install 'scaling-search[tensorboard]'",
    "wandb": "pip install wandb",
    "mlflow": "pip install mlflow",
}


def chosen_trackers(names: Sequence[str]) -> tuple[TrackerName, ...]:
    """These trackers, each once; raises UserError for one that is unknown or not installed.

    Examples:
        >>> from scaling_search.trackers.opening import chosen_trackers
        >>> chosen_trackers([])
        ()
    """
    for name in names:
        require(name in TRACKERS, f"a tracker is one of {', '.join(TRACKERS)}", name)
    chosen = tuple(tracker for tracker in TRACKERS if tracker in names)
    for name in chosen:
        rule = f"--track {name} needs the package {name}"
        require(_is_installed(name), rule, None, INSTALLED_BY[name])
    return chosen


def opened_sender(name: TrackerName, study: str, out: Path) -> Sender:
    """The tracker, ready to be told of the trainings of a study whose run directory is `out`.

    Raises UserError where it can't be opened: a server that doesn't answer, a folder that may not
    be written to.
    """
    try:
        return Sender(name, _tracker(name, study, out))
    except UserError:
        raise
    except Exception as error:  # a package of others may raise anything
        raise UserError(
            f"{name} must be there before anything is trained, got {error_line(error)}: "
            f"mend it, or leave out --track {name}"
        ) from error


def _tracker(name: TrackerName, study: str, out: Path) -> Tracker:
    if name == "tensorboard":
        from scaling_search.trackers.tensorboard import TensorBoard

        return TensorBoard(out / "tensorboard")
    if name == "wandb":
        from scaling_search.trackers.weights_and_biases import WeightsAndBiases

        return WeightsAndBiases(study, out)
    from scaling_search.trackers.mlflow import Mlflow

    return Mlflow(study)


def _is_installed(package: str) -> bool:
    """A folder of the same name, as wandb leaves behind where it runs, is no package."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None
