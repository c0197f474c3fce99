"""How a network is trained: one frozen value, every knob a field."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal, get_args

from scaling_search.data.augment import Policy
from scaling_search.errors import require

Optimizer = Literal["sgd", "adamw", "rmsprop"]
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Recipe:
    """One training recipe.

    The learning rate warms up for `warmup_epochs`, stays at its peak, and over the last
    `cooldown_fraction` of the steps falls linearly to zero. The plateau before the fall does not
    depend on how long the training will be, so a longer training continues a shorter one from
    where its fall began, and every rung of a search ends with a complete schedule: cut-off runs
    are never compared at a high learning rate (the schedule of arXiv 2405.18392).

    `learning_rate` is the peak at `batch_size`; `clip_norm` 0 switches clipping off, `ema_decay`
    0 the averaging of weights; `dropout` None keeps the architecture's own.
    """

    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 64
    warmup_epochs: float = 0.5
    cooldown_fraction: float = 0.4
    label_smoothing: float = 0.1
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    drop_path: float = 0.0
    dropout: float | None = None
    augment: Policy = "shift"
    precision: Precision = "float32"

    # pydantic reads this when a recipe comes from a file: a misspelt key must not pass.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        rate = self.learning_rate
        require(0 < rate < inf, "learning_rate must be positive and finite", rate)
        require(self.batch_size >= 1, "batch_size must be at least 1", self.batch_size)
        for name in ("weight_decay", "warmup_epochs", "clip_norm"):
            value = getattr(self, name)
            require(0 <= value < inf, f"{name} must be 0 or more", value)
        for name in ("momentum", "label_smoothing", "ema_decay", "drop_path", "dropout"):
            value = getattr(self, name)
            require(value is None or 0 <= value < 1, f"{name} must lie in [0, 1)", value)
        require(
            0 < self.cooldown_fraction <= 1,
            "cooldown_fraction must lie in (0, 1]",
            self.cooldown_fraction,
        )
        self._check_choices()

    def _check_choices(self) -> None:
        choices = {"optimizer": Optimizer, "augment": Policy, "precision": Precision}
        for name, choice in choices.items():
            known, value = get_args(choice), getattr(self, name)
            require(value in known, f"{name} must be one of {', '.join(known)}", value)

    def plateau_steps(self, total_steps: int) -> int:
        """The number of steps before the learning rate begins to fall."""
        return total_steps - max(1, round(self.cooldown_fraction * total_steps))

    def learning_rate_at(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """The learning rate of step `step` (from 0) of `total_steps`."""
        warmup_steps = self.warmup_epochs * steps_per_epoch
        warm = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
        fall_begins = self.plateau_steps(total_steps)
        left = (total_steps - step) / (total_steps - fall_begins)
        return self.learning_rate * warm * min(1.0, left)
