"""A tracker that was chosen, opened."""

from __future__ import annotations

from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.trackers.choice import TrackerName
from scaling_search.trackers.sender import Sender, error_line
from scaling_search.trackers.tracker import Tracker


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
