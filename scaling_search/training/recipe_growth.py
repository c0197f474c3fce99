"""What of a recipe may grow with the network: its values at some φ, and those in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeVar

from scaling_search.core.errors import require
from scaling_search.data.augment import AutoPolicy, Policy

Measure = Literal["drop_path", "dropout", "weight_decay", "label_smoothing"]
"""A number: between two rows it is on the line through them."""
Choice = Literal["augment", "auto_augment"]
"""A policy: it is that of the nearest row below."""
MEASURES: tuple[Measure, ...] = ("drop_path", "dropout", "weight_decay", "label_smoothing")
CHOICES: tuple[Choice, ...] = ("augment", "auto_augment")
_DIGITS = 12

Value = TypeVar("Value")


@dataclass(frozen=True)
class AtPhi:
    """What a recipe is for a network of this φ; None: this row says nothing of it.

    Larger networks want more regularisation (arXiv 1905.11946, section 5.2; arXiv 2103.07579).
    Raises UserError for a φ that is no number, and for a row that says nothing at all.

    Examples:
        >>> from scaling_search.training.recipe import Recipe
        >>> from scaling_search.training.recipe_growth import AtPhi
        >>> Recipe(by_phi=(AtPhi(0, drop_path=0.0), AtPhi(2, drop_path=0.2))).at_phi(1).drop_path
        0.1
    """

    phi: float
    drop_path: float | None = None
    dropout: float | None = None
    weight_decay: float | None = None
    label_smoothing: float | None = None
    augment: Policy | None = None
    auto_augment: AutoPolicy | None = None

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError as above."""
        require(math.isfinite(self.phi), "the φ of a row of by_phi must be finite", self.phi)
        names = ", ".join((*MEASURES, *CHOICES))
        is_given = any(getattr(self, field.name) is not None for field in fields(self)[1:])
        require(
            is_given, f"a row of by_phi gives at least one of {names}", f"phi = {self.phi:g} alone"
        )


def values_at(rows: Sequence[AtPhi], phi: float) -> dict[str, float | str]:
    """What the rows, which rise in φ, say of a network of this φ.

    Numbers are interpolated between the two rows about φ that give them, choices are those of the
    nearest row at or below it; beyond the ends all stay as they are there.

    Examples:
        >>> from scaling_search.training.recipe_growth import AtPhi, values_at
        >>> rows = [AtPhi(0, dropout=0.2, augment="shift"), AtPhi(2, dropout=0.3)]
        >>> values_at(rows, phi=1)
        {'dropout': 0.25, 'augment': 'shift'}
    """
    values: dict[str, float | str] = {}
    for name in (*MEASURES, *CHOICES):
        points = [(row.phi, value) for row in rows if (value := getattr(row, name)) is not None]
        if points:
            values[name] = _between(points, phi) if name in MEASURES else _below(points, phi)
    return values


def _between(points: Sequence[tuple[float, float]], phi: float) -> float:
    left, right = _below([(p, (p, value)) for p, value in points], phi), points[-1]
    right = next((point for point in points if point[0] > phi), right)
    if phi <= left[0] or left == right:
        return left[1]
    part = (phi - left[0]) / (right[0] - left[0])
    # Rounded, since the value is part of what identifies a training.
    return round(left[1] + part * (right[1] - left[1]), _DIGITS)


def _below(points: Sequence[tuple[float, Value]], phi: float) -> Value:
    """The value of the nearest point at or below φ; of the first, where none is."""
    return next((value for at, value in reversed(points) if at <= phi), points[0][1])
