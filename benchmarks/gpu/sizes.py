"""How much each part does: on a card, and in a rehearsal on the CPU that takes a few seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from scaling_search.core.number_formats import Precision
from scaling_search.cost.task import Task
from scaling_search.latency.job import Mode
from scaling_search.training.recipe import Compile, Recipe


@dataclass(frozen=True)
class Trained:
    """A network that is trained, on images of `px` × `px`, in batches."""

    network: str
    px: int
    channels: int
    batch: int

    @property
    def words(self) -> str:
        """All of it in short: "efficientnet-b0, 224 px, batch 256"."""
        return f"{self.network}, {self.px} px, batch {self.batch}"


@dataclass(frozen=True)
class Sizes:
    """Which networks, batches and seconds; the defaults are a card's.

    `regimes` are precision and mode by batch, the most important first. `peak_share` is what a
    simulated peak may be of the allocator's; `sharing_gain` what the best number of processes must
    reach over one. Where the device must be ours `alone`, no time may be flagged for the load of
    others. `timed_ratio` is what the seconds that a training says may be of the wall's.
    """

    timed: tuple[str, ...] = tuple(f"efficientnet-b{number}" for number in range(8))
    timed_seconds: float = 2.0
    regimes: dict[int, tuple[tuple[Precision, Mode], ...]] = field(
        default_factory=lambda: {1: _SINGLE, 64: _MANY}
    )
    graphed: str = "micro"  # B0 did not end within 50 s on an H100; why is open
    junk_blocks: int = 200
    peaks: tuple[tuple[str, Task, int], ...] = (
        *((f"efficientnet-b{number}", "training", 4) for number in (0, 4)),
        *((f"efficientnet-b{number}", "inference", 1) for number in (0, 4, 7)),
    )
    peak_share: tuple[float, float] = (0.95, 1.0)
    waiting: Trained = Trained("micro", 32, 3, 64)
    recipes_left_out: tuple[str, ...] = ()
    resumed: Trained = Trained("efficientnet-b0-small", 32, 3, 64)
    launching: tuple[Trained, ...] = (
        Trained("micro", 28, 1, 64),
        Trained("efficientnet-b0", 64, 3, 128),
    )
    clocked: Trained = Trained("micro", 64, 1, 512)
    clocked_steps: int = 30
    captured: Compile = "reduce-overhead"
    captured_whole: tuple[Trained, ...] = (
        Trained("micro", 28, 1, 64),
        Trained("efficientnet-b0-small", 32, 3, 64),
        Trained("efficientnet-b0", 64, 3, 128),
    )
    timed_ratio: tuple[float, float] = (0.8, 1.0)
    rated: tuple[tuple[Trained, Recipe], ...] = field(default_factory=lambda: _rated())
    beside_timm: Trained = Trained("efficientnet-b0", 224, 3, 256)
    rate_seconds: float = 1.2
    sharing: Trained = Trained("micro", 28, 1, 64)
    processes: tuple[int, ...] = (1, 2, 4, 8)
    phase_seconds: float = 2.5
    sharing_gain: float = 1.5
    alone: bool = True
    product: tuple[str, ...] = ("--preset", "demo")
    product_workers: int = 4
    tests: tuple[str, ...] = ()


_SINGLE: tuple[tuple[Precision, Mode], ...] = (
    ("bfloat16", "graph"),
    ("float32", "eager"),
    ("tf32", "eager"),
    ("bfloat16", "eager"),
    ("float32", "graph"),
    ("tf32", "graph"),
)
_MANY: tuple[tuple[Precision, Mode], ...] = (
    ("bfloat16", "eager"),
    ("tf32", "eager"),
    ("float32", "eager"),
    ("bfloat16", "graph"),
    ("tf32", "graph"),
    ("float32", "graph"),
)


def _rated() -> tuple[tuple[Trained, Recipe], ...]:
    """The trainings whose images per second are published; at 224 px as timm's step trains."""
    large = Trained("efficientnet-b0", 224, 3, 256)
    half = Recipe(batch_size=256, augment="shift-flip", precision="bfloat16")
    small = [
        (Trained("micro", 28, 1, batch), Recipe(batch_size=batch, augment="shift-flip"))
        for batch in (64, 1024)
    ]
    middle = Trained("efficientnet-b0", 64, 3, 128)
    changes: tuple[dict[str, object], ...] = (
        {},
        {"memory_format": "contiguous"},
        {"precision": "tf32"},
        {"precision": "float32"},
        {"augment": "random-resized-crop"},
        {"ema_decay": 0.999},
    )
    return (
        *small,
        (middle, Recipe(batch_size=128, augment="shift-flip")),
        (middle, Recipe(batch_size=128, augment="shift-flip", precision="bfloat16")),
        *((large, _changed(half, change)) for change in changes),
    )


def _changed(recipe: Recipe, changes: dict[str, object]) -> Recipe:
    return Recipe(**{**vars(recipe), **changes})


_TINY = Trained("nano", 16, 1, 8)

REHEARSAL = Sizes(
    timed=("nano",),
    timed_seconds=0.05,
    regimes={1: (("float32", "eager"), ("bfloat16", "eager")), 64: (("float32", "eager"),)},
    graphed="nano",
    junk_blocks=4,
    peaks=(("nano", "inference", 1), ("nano", "training", 2)),
    peak_share=(0.5, 1.2),  # a CPU's convolutions take memory of their own
    waiting=Trained("nano", 16, 3, 8),
    recipes_left_out=("adamw",),  # it counts on the host, which is the device here
    resumed=_TINY,
    launching=(_TINY,),
    clocked=_TINY,
    clocked_steps=6,
    captured_whole=(_TINY,),
    captured="off",  # a CPU has no graphs, and compiles for most of a minute
    timed_ratio=(0.1, 1.01),
    rated=((_TINY, Recipe(batch_size=8, augment="shift-flip")),),
    beside_timm=Trained("nano", 16, 3, 8),
    rate_seconds=0.05,
    sharing=_TINY,
    processes=(1, 2),
    phase_seconds=0.1,
    sharing_gain=0.0,  # two processes on a busy CPU promise nothing
    alone=False,  # others work on a CPU too
    product=(),
    product_workers=2,
    tests=("tests/latency/test_cuda_driver.py",),
)
