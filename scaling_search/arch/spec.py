"""A network as a frozen value: a stem, stages of repeated blocks, a head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from math import isfinite, prod
from typing import ClassVar, Literal

from scaling_search.arch.blocks import READS, BlockKind, ConvDefaults, HeadKind, StemKind
from scaling_search.arch.layers import ActivationKind, NormKind
from scaling_search.arch.rounding import RepeatsRounding
from scaling_search.core.errors import require
from scaling_search.core.hashing import digest

# Far above any network that could be trained; what lies beyond would only take time to refuse.
MOST_REPEATS = 10_000
LARGEST_SIZE = 1_000_000


@dataclass(frozen=True)
class Stage:
    """`repeats` blocks with `channels` outputs each; the first block carries the stride.

    `expansion` is the inner width as a multiple of a block's input channels (mbconv) or of its
    output channels (bottleneck, convnext). `squeeze` is the width of the squeeze-excitation as a
    share of the block's input channels or, by `squeeze_of`, of the expanded ones (0: none), and
    `squeeze_activation` what lies inside it (None: the network's). `group_width` are the channels
    a group of the spatial convolution sees (1: depthwise, 0: all). `fixed_repeats` keeps depth
    scaling away. What a kind of block does not read keeps its default, or UserError is raised.

    Examples:
        >>> from dataclasses import replace
        >>> from scaling_search import Stage
        >>> from scaling_search.arch import zoo
        >>> stage = Stage("mbconv", channels=40, repeats=2, kernel=5, stride=2, expansion=6)
        >>> replace(stage, squeeze=0.25) == zoo.get("efficientnet-b0").stages[2]
        True
    """

    block: BlockKind
    channels: int
    repeats: int
    kernel: int = 3
    stride: int = 1
    expansion: float = 1.0
    squeeze: float = 0.0
    group_width: int = 1
    fixed_repeats: bool = False
    squeeze_of: Literal["input", "expanded"] = "input"
    squeeze_activation: ActivationKind | None = None

    # pydantic reads this when a network comes from a file: a misspelt key must not pass.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value no network can have."""
        sizes = (self.channels, self.repeats, self.kernel, self.stride)
        if min(sizes) < 1 or self.group_width < 0:
            require(False, "a stage's sizes must be at least 1, its group_width 0 or more", self)
        if max(sizes) > LARGEST_SIZE or self.repeats > MOST_REPEATS:
            rule = f"a stage has at most {MOST_REPEATS} repeats, and no size above {LARGEST_SIZE}"
            require(False, rule, self)
        if not (self.expansion > 0 and isfinite(self.expansion) and 0 <= self.squeeze <= 1):
            require(False, "a stage needs expansion > 0 and squeeze within [0, 1]", self)
        reads = READS[self.block]
        for name, default in _OPTIONS:
            if name not in reads and getattr(self, name) != default:
                rule = f"{name} must be left out in a stage of {self.block} blocks"
                require(False, rule, getattr(self, name))

    @cached_property
    def once(self) -> Stage:
        """The stage with one repeat: what all its depths have in common."""
        return self if self.repeats == 1 else replace(self, repeats=1)

    # Caches ask for it often. Numbers alone, for the hash travels with a pickled stage, and that
    # of a text differs from process to process.
    @cached_property
    def _hash(self) -> int:
        sizes = (self.channels, self.repeats, self.kernel, self.stride, self.group_width)
        return hash((*sizes, self.expansion, self.squeeze, self.fixed_repeats))

    def __hash__(self) -> int:
        return self._hash


_OPTIONS = [
    (option.name, option.default)
    for option in fields(Stage)
    if any(option.name in reads for reads in READS.values())
]


@dataclass(frozen=True)
class Architecture:
    """A whole network, from `in_channels × resolution_px × resolution_px` to `num_classes` logits.

    Equal values are the same network: the name does not count. `norm_momentum` is torch's.
    `fixed_stem_and_head` keeps width scaling away from both; `same_padding` pads as TensorFlow
    does, for weights that come from there. `channel_divisor` and `repeats_rounding` say how scaling
    rounds: the paper's rules unless a small base needs finer steps. Raises UserError when the
    resolution is below `total_stride`, for then the last feature map would be less than a pixel.

    Examples:
        >>> from scaling_search import Architecture, Stage, count
        >>> stages = (Stage("basic", 16, 2), Stage("basic", 32, 2, stride=2))
        >>> mine = Architecture("mine", stages, stem_channels=16, head_channels=0, resolution_px=32)
        >>> mine.total_stride, count(mine).macs
        (4, 4599040)
        >>> mine == mine.with_name("another"), mine == mine.fitted(num_classes=10)
        (True, False)
    """

    name: str = field(compare=False)
    stages: tuple[Stage, ...]
    stem_channels: int
    head_channels: int
    resolution_px: int
    stem: StemKind = "conv"
    stem_kernel: int = 3
    stem_stride: int = 2
    activation: ActivationKind = "silu"
    norm: NormKind = "batch"
    norm_eps: float = 1e-5
    norm_momentum: float = 0.1
    dropout: float = 0.0
    in_channels: int = 3
    num_classes: int = 1000
    fixed_stem_and_head: bool = False
    head: HeadKind = "conv"
    same_padding: bool = False
    channel_divisor: int = 8
    repeats_rounding: RepeatsRounding = "up"

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        """Raise UserError for a value no network can have."""
        require(len(self.stages) > 0, "a network needs at least one stage", self.stages)
        sizes = (self.stem_channels, self.stem_kernel, self.stem_stride, self.in_channels)
        require(min(*sizes, self.num_classes) >= 1, "a network's sizes must be at least 1", sizes)
        require(
            self.channel_divisor >= 1, "channel_divisor must be at least 1", self.channel_divisor
        )
        require(self.head_channels >= 0, "head_channels must be 0 or more", self.head_channels)
        require(0 <= self.dropout < 1, "dropout must lie in [0, 1)", self.dropout)
        rule = f"images have at most {LARGEST_SIZE} px a side"
        require(self.resolution_px <= LARGEST_SIZE, rule, self.resolution_px)
        if self.resolution_px < self.total_stride:
            require(
                False,
                f"the strides of {self.name} need images of at least {self.total_stride} px",
                self.resolution_px,
                "ask for a higher resolution or a network with fewer strides",
            )

    @cached_property
    def total_stride(self) -> int:
        """How many image pixels, along one side, become one pixel of the last feature map."""
        return self.stem_stride * prod(stage.stride for stage in self.stages)

    @cached_property
    def style(self) -> ConvDefaults:
        """What all blocks share."""
        kind = (self.activation, self.norm, self.norm_eps, self.norm_momentum)
        return ConvDefaults(*kind, self.same_padding, self.channel_divisor)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for the network in files; the name does not count."""
        return digest(self)

    def staged(self) -> Iterator[tuple[int, Stage]]:
        """Each stage with the number of channels that enter it."""
        channels = self.stem_channels
        for stage in self.stages:
            yield channels, stage
            channels = stage.channels

    def with_name(self, name: str) -> Architecture:
        """The same network under another name."""
        return replace(self, name=name)

    def fitted(
        self,
        *,
        in_channels: int | None = None,
        num_classes: int | None = None,
        resolution_px: int | None = None,
    ) -> Architecture:
        """The network for other images: what is None stays as it is."""
        return replace(
            self,
            in_channels=self.in_channels if in_channels is None else in_channels,
            num_classes=self.num_classes if num_classes is None else num_classes,
            resolution_px=self.resolution_px if resolution_px is None else resolution_px,
        )
