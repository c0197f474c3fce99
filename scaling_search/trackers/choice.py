"""The trackers by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, get_args

from scaling_search.core.errors import require

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
        >>> from scaling_search.trackers.choice import chosen_trackers
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


def _is_installed(package: str) -> bool:
    """A folder of the same name, as wandb leaves behind where it runs, is no package."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None
