"""Everything that can come of a training, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from scaling_search.training.history import ClassCounts, EpochRecord, Scores


@dataclass(frozen=True)
class OtherSide:
    """The same weights scored on images of another side than they were trained at."""

    px: int
    validation: Scores
    test: Scores | None


@dataclass(frozen=True)
class Finished:
    """A training that came to its end; its scores are those of the last epoch's weights.

    `test` is there where the job reads the test split, `other_side` where the recipe's
    `evaluate_px_factor` asks for it. `float32` is how the device multiplied such numbers,
    as torch's switches read then: "ieee" or "tf32". The counts of each class are None where an
    older version did not write them down.
    """

    history: tuple[EpochRecord, ...]
    test: Scores | None = None
    other_side: OtherSide | None = None
    float32: str = ""
    validation_classes: ClassCounts | None = None
    test_classes: ClassCounts | None = None
    kind: Literal["finished"] = "finished"

    @property
    def validation(self) -> Scores:
        """The scores on the validation split."""
        return self.history[-1].scores

    @property
    def validation_top1(self) -> float:
        """A fraction."""
        return self.validation.top1

    @property
    def test_top1(self) -> float | None:
        """A fraction; None where the test split was not read."""
        return None if self.test is None else self.test.top1

    @property
    def train_seconds(self) -> float:
        """Wall time in training, without scoring."""
        return self.history[-1].train_seconds


@dataclass(frozen=True)
class Diverged:
    """The loss was no longer finite."""

    reason: str
    kind: Literal["diverged"] = "diverged"


@dataclass(frozen=True)
class OutOfMemory:
    """The device or the machine had no memory left at this batch size."""

    batch_size: int
    reason: str
    kind: Literal["out-of-memory"] = "out-of-memory"


@dataclass(frozen=True)
class TimedOut:
    """The training took longer than it was given."""

    limit_seconds: float
    kind: Literal["timed-out"] = "timed-out"


@dataclass(frozen=True)
class Lost:
    """The process that trained it died again and again."""

    deaths: int
    reason: str
    kind: Literal["lost"] = "lost"


@dataclass(frozen=True)
class Failed:
    """The training raised an exception; `reason` is its kind and what it says."""

    reason: str
    kind: Literal["failed"] = "failed"


Result = Annotated[
    Finished | Diverged | OutOfMemory | TimedOut | Lost | Failed, Field(discriminator="kind")
]

_RESULTS: TypeAdapter[Result] = TypeAdapter(Result)


def result_to_json(result: Result) -> dict[str, Any]:
    """The result as plain JSON values."""
    return asdict(result)


def result_from_json(values: object) -> Result:
    """The result that `result_to_json` wrote; raises pydantic's ValidationError."""
    return _RESULTS.validate_python(values)
