"""How a network is trained: one frozen value, every knob a field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Any, ClassVar, Literal, assert_never, get_args

from scaling_search.core.errors import UserError, require
from scaling_search.core.number_formats import MemoryFormat, Precision
from scaling_search.data.augment import AutoPolicy, Policy
from scaling_search.training import schedule
from scaling_search.training.recipe_growth import AtPhi, values_at
from scaling_search.training.schedule import Schedule

Optimizer = Literal["sgd", "adamw", "rmsprop"]
ResidualInit = Literal["zero", "one"]
BranchScale = Literal["one", "1/sqrt(depth)"]
Compile = Literal["off", "default", "reduce-overhead", "graph"]
RecipePrecision = Precision | Literal["auto"]

FULL_SIDE_FROM = 0.75  # of the epochs: from here on a progressive training sees whole images
OF_A_TRAINING = "a training's precision is float32, tf32, bfloat16 or float16"
SIDE_MULTIPLE_PX, SMALLEST_SIDE_PX = 4, 8


@dataclass(frozen=True)
class Recipe:
    """One training recipe.

    `learning_rate` is the peak at `batch_size`, `schedule` its way:
    - "trapezoid" warms up for `warmup_epochs`, stays at the peak, and over the last
      `cooldown_fraction` of the steps falls linearly to zero. The plateau before the fall does not
      depend on how long the training will be, so a longer training continues a shorter one from
      where its fall began, and every rung of a search ends with a complete schedule: cut-off runs
      are never compared at a high learning rate (the schedule of arXiv 2405.18392).
    - "cosine" (after `warmup_epochs`) and "one-cycle" (which rises for `rise_fraction` of the steps
      instead of `warmup_epochs`) end with a complete schedule too, but depend on the length from
      the first step: a rung of another length is trained anew.
    - "exponential" (after `warmup_epochs`, times `decay_factor` every `decay_epochs`) knows no
      length: a longer training continues a shorter one from its end, and the shorter one was cut
      off before its rate had fallen.

    `clip_norm` 0 switches clipping off, `ema_decay` 0 the averaging of weights; `ema_warmup`
    averages over fewer steps at first, min(ema_decay, (1 + n) / (10 + n)) at step n; `dropout` None
    keeps the architecture's own, and so does `norm_momentum`: the weight of a batch in the running
    statistics of batch norms (torch's momentum), of which a short training wants more. `accumulate`
    splits each batch into so many parts whose gradients are added; batch norms see the parts. Where
    several processes train, each takes an equal part of each batch, which is all that batch norms
    see unless `sync_batch_norm`. `progressive_from` is the first epoch's side as a fraction of the
    network's; it rises to 1 over three quarters of the epochs. With `evaluate_px_factor` other than
    1 the trained network is scored once more, at so many times its side.

    `residual_init` is where the scale of each residual branch's last norm starts: at "zero" a
    network of any depth begins as its shortcuts alone (arXiv 1706.02677, section 5.1), without
    which depth is at a disadvantage in short trainings. `branch_scale` multiplies each branch of
    the network's L residual blocks by 1/√L (arXiv 2309.16620). Both leave a network alone that is a
    function of the user's.

    `backbone_rate` is the learning rate of all before the classifier as a multiple of the
    classifier's, for weights that exist already; 0 leaves the backbone as it is, its batch norms'
    statistics too.

    `by_phi` says what changes as networks grow, the same for all networks of one φ; `at_phi`
    resolves it. A training's own recipe has none.

    `precision` "tf32" multiplies float32 numbers with shorter mantissas, on a GPU; a CPU does what
    "float32" does. "auto" is a study's: its run chooses, and its trainings have what was chosen.
    `compile` "graph" captures each whole step in a CUDA graph, without torch's compiler, where that
    can be; "reduce-overhead" is the compiler's own way to graphs of forward and backward.

    With `deterministic` a GPU gives the same bits each time, resumed or not, at the price of slower
    algorithms; a CPU does so anyway.

    Examples:
        >>> from scaling_search.training.recipe import Recipe
        >>> recipe = Recipe(learning_rate=0.1, batch_size=64, warmup_epochs=2)
        >>> rates = [recipe.learning_rate_at(step, 100, steps_per_epoch=10) for step in (0, 50, 99)]
        >>> [round(rate, 4) for rate in rates], recipe.plateau_steps(total_steps=100)
        ([0.005, 0.1, 0.0025], 60)
        >>> recipe.at_batch(256).learning_rate
        0.4
    """

    optimizer: Optimizer = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 64
    accumulate: int = 1
    schedule: Schedule = "trapezoid"
    warmup_epochs: float = 0.5
    cooldown_fraction: float = 0.4
    rise_fraction: float = 0.3
    decay_factor: float = 0.97
    decay_epochs: float = 2.4
    residual_init: ResidualInit = "zero"
    branch_scale: BranchScale = "one"
    backbone_rate: float = 1.0
    label_smoothing: float = 0.1
    clip_norm: float = 0.0
    drop_path: float = 0.0
    dropout: float | None = None
    norm_momentum: float | None = None
    ema_decay: float = 0.0
    ema_warmup: bool = True
    augment: Policy = "shift"
    auto_augment: AutoPolicy = "none"
    precision: RecipePrecision = "float32"
    memory_format: MemoryFormat = "channels-last"
    compile: Compile = "off"
    progressive_from: float = 1.0
    evaluate_px_factor: float = 1.0
    sync_batch_norm: bool = False
    by_phi: tuple[AtPhi, ...] = ()
    deterministic: bool = False

    # pydantic reads this when a recipe comes from a file: a misspelt key must not pass.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.batch_size >= 1, "batch_size must be at least 1", self.batch_size)
        rule = f"accumulate must divide batch_size = {self.batch_size}"
        split = self.accumulate
        require(split >= 1 and self.batch_size % split == 0, rule, split)
        for name in ("learning_rate", "decay_epochs", "evaluate_px_factor"):
            value = getattr(self, name)
            require(0 < value < inf, f"{name} must be positive and finite", value)
        for name in ("weight_decay", "warmup_epochs", "clip_norm", "backbone_rate"):
            value = getattr(self, name)
            require(0 <= value < inf, f"{name} must be 0 or more", value)
        for name in ("momentum", "label_smoothing", "ema_decay", "drop_path", "dropout"):
            value = getattr(self, name)
            require(value is None or 0 <= value < 1, f"{name} must lie in [0, 1)", value)
        for name in ("cooldown_fraction", "decay_factor", "progressive_from", "norm_momentum"):
            value = getattr(self, name)
            require(value is None or 0 < value <= 1, f"{name} must lie in (0, 1]", value)
        require(0 < self.rise_fraction < 1, "rise_fraction must lie in (0, 1)", self.rise_fraction)
        self._check_choices()
        phis = [row.phi for row in self.by_phi]
        require(all(a < b for a, b in pairwise(phis)), "the rows of by_phi rise in φ", phis)
        for phi in phis:
            self.at_phi(phi)

    def _check_choices(self) -> None:
        choices: dict[str, Any] = {
            "optimizer": Optimizer,
            "augment": Policy,
            "auto_augment": AutoPolicy,
            "precision": Literal["float32", "tf32", "bfloat16", "float16", "auto"],
            "schedule": Schedule,
            "residual_init": ResidualInit,
            "branch_scale": BranchScale,
            "memory_format": MemoryFormat,
            "compile": Compile,
        }
        for name, choice in choices.items():
            allowed, value = get_args(choice), getattr(self, name)
            require(value in allowed, f"{name} must be one of {', '.join(allowed)}", value)
        # A graph's second run overwrites what the first one's backward has still to read.
        captured = self.compile == "reduce-overhead" and self.accumulate > 1
        rule = "accumulate must be 1 with compile = 'reduce-overhead'"
        require(not captured, rule, self.accumulate, "take compile = 'default'")
        # The compiler chooses its kernels by their time, another one on another day.
        rule = "compile must be 'off' with deterministic = true"
        require(not self.deterministic or self.compile == "off", rule, self.compile)

    @property
    def training(self) -> Recipe:
        """The recipe without what is read of the network once it is trained."""
        return replace(self, evaluate_px_factor=1.0)

    def at_phi(self, phi: float) -> Recipe:
        """The plain recipe, without `by_phi`, of a network of this φ."""
        values: dict[str, Any] = values_at(self.by_phi, phi)
        return replace(self, by_phi=(), **values)

    @property
    def is_compiled(self) -> bool:
        """Whether torch's compiler makes the network; a "graph" is made without it."""
        return self.compile in ("default", "reduce-overhead")

    @property
    def number_format(self) -> Precision:
        """The precision of a training; raises UserError for "auto", which is a study's."""
        if self.precision == "auto":
            raise UserError(f"{OF_A_TRAINING}, got 'auto': name one, or let a run choose")
        return self.precision

    def at_rate(self, multiple: float) -> Recipe:
        """The recipe at so many times its learning rate."""
        return replace(self, learning_rate=multiple * self.learning_rate)

    def at_batch(self, batch_size: int) -> Recipe:
        """The recipe at another batch size, its rate in proportion (arXiv 1706.02677)."""
        rate = self.learning_rate * batch_size / self.batch_size
        return replace(self, batch_size=batch_size, learning_rate=rate)

    def plateau_steps(self, total_steps: int) -> int:
        """The number of first steps that are the same in every longer training."""
        if self.progressive_from < 1:  # the sides depend on the number of epochs
            return 0
        match self.schedule:
            case "trapezoid":
                return self._fall_begins(total_steps)
            case "cosine" | "one-cycle":
                return 0
            case "exponential":
                return total_steps
            case _:
                assert_never(self.schedule)

    def learning_rate_at(self, step: int, total_steps: int, steps_per_epoch: int) -> float:
        """The learning rate of step `step` (from 0) of `total_steps`."""
        warmup_steps = self.warmup_epochs * steps_per_epoch
        warm = self.learning_rate * schedule.warm_up_rate(step, warmup_steps)
        match self.schedule:
            case "trapezoid":
                return warm * schedule.trapezoid(step, total_steps, self._fall_begins(total_steps))
            case "cosine":
                return warm * schedule.cosine(step, total_steps, warmup_steps)
            case "one-cycle":
                share = schedule.one_cycle(step, total_steps, self.rise_fraction)
                return self.learning_rate * share
            case "exponential":
                every = self.decay_epochs * steps_per_epoch
                return warm * schedule.exponential(step, warmup_steps, every, self.decay_factor)
            case _:
                assert_never(self.schedule)

    def side_px_at(self, epoch: int, epochs: int, px: int) -> int:
        """The side of the images of epoch `epoch` (from 0) for a network of `px`.

        A multiple of 4 px, at least 8, until it is `px`; the last epoch always sees whole images.
        """
        rise = FULL_SIDE_FROM * (epochs - 1)
        if self.progressive_from == 1 or epoch >= rise:
            return px
        side = px * (self.progressive_from + (1 - self.progressive_from) * epoch / rise)
        multiple = SIDE_MULTIPLE_PX * round(side / SIDE_MULTIPLE_PX)
        return min(px, max(SMALLEST_SIDE_PX, multiple))

    def evaluated_px(self, px: int) -> int:
        """The side at which a network of `px` is scored once more; `px` itself: it is not."""
        return max(1, round(self.evaluate_px_factor * px))

    def _fall_begins(self, total_steps: int) -> int:
        return total_steps - max(1, round(self.cooldown_fraction * total_steps))
