"""What a run chose once and does again when it is taken up: choices.json beside its ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter

from scaling_search.core.atomic_files import as_json, write_atomically
from scaling_search.core.errors import UserError
from scaling_search.core.number_formats import Precision
from scaling_search.jobs.gpu_share import ShareMeasurement
from scaling_search.nets.initial_weights import InitialWeights

CHOICES_FILE = "choices.json"
_BEFORE = {
    "precision": "precision.json",
    "jobs_per_gpu": "jobs-per-gpu.json",
    "init": "init.json",
    "time_limit": "time-limit.json",
}
"""The file of each choice in runs that began when each had its own."""


@dataclass(frozen=True)
class TriedPrecision:
    """What precision "auto" is, by a trial on `device`; no rates where nothing was tried."""

    precision: Precision
    device: str
    images_per_second: Mapping[Precision, float]


@dataclass(frozen=True)
class TriedShare:
    """How many jobs at once a card called `card` takes, by the measurements of a trial."""

    card: str
    jobs: int
    tried: tuple[ShareMeasurement, ...]


@dataclass(frozen=True)
class ReachedLimit:
    """The limit of hours for which the last call left something out."""

    max_hours: float


@dataclass(frozen=True)
class RunChoices:
    """The choices of a run; None: not made. `init` are the weights that its networks begin with.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search.jobs.run_choices import RunChoices
        >>> RunChoices.read(Path("results/fine-tuning/frozen")).init.name
        'the Lite weights of efficientnet-lite0'
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    precision: TriedPrecision | None = None
    jobs_per_gpu: TriedShare | None = None
    init: InitialWeights | None = None
    time_limit: ReachedLimit | None = None

    @classmethod
    def read(cls, run_directory: Path) -> RunChoices:
        """Those that lie in a run directory; raises UserError where their file can't be read."""
        path = run_directory / CHOICES_FILE
        if path.exists():
            return _read(path)
        choices = cls()
        for choice, name in _BEFORE.items():
            if (path := run_directory / name).exists():
                choices = replace(choices, **{choice: getattr(_read(path, choice), choice)})
        return choices

    def write(self, run_directory: Path) -> None:
        """Lay them down in a run directory, in place of those that it has."""
        chosen = {name: choice for name, choice in asdict(self).items() if choice is not None}
        write_atomically(run_directory / CHOICES_FILE, as_json(chosen))


_CHOICES = TypeAdapter(RunChoices)


def _read(path: Path, choice: str | None = None) -> RunChoices:
    """The choices of a file, or the one that is all of its content."""
    try:
        content = json.loads(path.read_bytes())
        return _CHOICES.validate_python(content if choice is None else {choice: content})
    except (OSError, ValueError, RecursionError):
        raise UserError(
            f"{path.name} must hold what a run chose when it began, got other content in "
            f"{str(path)!r}: put it back, or delete it to choose again"
        ) from None
