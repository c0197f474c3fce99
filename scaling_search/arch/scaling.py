"""Compound scaling: coefficients, multipliers, and the networks they make of a base.

The three parts of `scale` do not touch each other's fields, so a search may walk a large grid as
the product of its distinct depths, widths and resolutions.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import isfinite
from typing import Literal, TypeVar, cast

from scaling_search.arch.protocol import Network, SelfScalingNetwork
from scaling_search.arch.rounding import round_channels, round_px, round_repeats
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.core.errors import UserError, require

__all__ = [
    "AXIS_NAMES",
    "AxisName",
    "Coefficients",
    "Multipliers",
    "round_channels",
    "round_px",
    "round_repeats",
    "scale",
    "scale_depth",
    "scale_resolution",
    "scale_width",
]


AxisName = Literal["depth", "width", "resolution"]
AXIS_NAMES: tuple[AxisName, ...] = ("depth", "width", "resolution")

N = TypeVar("N", bound=Network)


@dataclass(frozen=True)
class Multipliers:
    """How many times deeper, wider and finer than the base; raises UserError unless positive.

    Examples:
        >>> from scaling_search import Multipliers, scale
        >>> from scaling_search.arch import zoo
        >>> wider = scale(zoo.get("efficientnet-b0"), Multipliers(width=1.1))
        >>> [stage.channels for stage in wider.stages]
        [16, 24, 48, 88, 120, 208, 352]
    """

    depth: float = 1.0
    width: float = 1.0
    resolution: float = 1.0

    def __post_init__(self) -> None:
        """Raise UserError for a multiplier that is not a positive number."""
        _require_positive(self)


@dataclass(frozen=True)
class Coefficients:
    """The constants of compound scaling: growth of depth, width and resolution per unit of φ.

    Source: equation 3 of arXiv 1905.11946. Raises UserError unless all three are positive.

    Examples:
        >>> from scaling_search import Coefficients
        >>> paper = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
        >>> round(paper.nominal_growth, 2)
        1.92
        >>> [round(paper.at(phi=2).depth, 2), round(paper.at(phi=-1).depth, 2)]
        [1.44, 0.83]
    """

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        """Raise UserError for a coefficient that is not a positive number."""
        _require_positive(self)

    @property
    def nominal_growth(self) -> float:
        """α·β²·γ²: what one unit of φ would multiply the MACs by if nothing were rounded."""
        return self.alpha * self.beta**2 * self.gamma**2

    def at(self, phi: float) -> Multipliers:
        """The multipliers α^φ, β^φ, γ^φ; φ may be a fraction or negative."""
        try:
            return Multipliers(self.alpha**phi, self.beta**phi, self.gamma**phi)
        except OverflowError:
            raise UserError(f"φ must keep α^φ, β^φ and γ^φ finite, got {phi:g}") from None


def scale(architecture: N, multipliers: Multipliers) -> N:
    """The deeper, wider, finer network; dropout and all other fields stay as they are.

    A multiplier of exactly 1 leaves its dimension alone. Raises UserError when the images would
    become smaller than the strides need.

    Examples:
        >>> from scaling_search import Coefficients, count, scale
        >>> from scaling_search.arch import zoo
        >>> b0 = zoo.get("efficientnet-b0")
        >>> larger = scale(b0, Coefficients(alpha=1.2, beta=1.1, gamma=1.15).at(phi=1))
        >>> [stage.repeats for stage in b0.stages], [stage.repeats for stage in larger.stages]
        ([1, 2, 2, 3, 3, 4, 1], [2, 3, 3, 4, 4, 5, 2])
        >>> larger.resolution_px, round(count(larger).macs / count(b0).macs, 2)
        (258, 2.57)
    """
    deeper = scale_depth(architecture, multipliers.depth)
    return scale_resolution(scale_width(deeper, multipliers.width), multipliers.resolution)


def scale_depth(architecture: N, depth: float) -> N:
    """The network with each stage's repeats times `depth`, rounded as the network says.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.scaling import scale_depth
        >>> [stage.repeats for stage in scale_depth(zoo.get("resnet-50"), 2.0).stages]
        [6, 8, 12, 6]
    """
    if depth == 1:
        return architecture
    if isinstance(architecture, Architecture):
        return cast(N, _deeper(architecture, depth))
    return cast(N, cast(SelfScalingNetwork, architecture).deeper(depth))


def scale_width(architecture: N, width: float) -> N:
    """The network with the channels of stem, stages and head times `width`, rounded likewise.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.scaling import scale_width
        >>> [stage.channels for stage in scale_width(zoo.get("resnet-50"), 1.1).stages]
        [280, 560, 1128, 2256]
    """
    if width == 1:
        return architecture
    if isinstance(architecture, Architecture):
        return cast(N, _wider(architecture, width))
    return cast(N, cast(SelfScalingNetwork, architecture).wider(width))


def scale_resolution(architecture: N, resolution: float) -> N:
    """The network for images with sides times `resolution`, to the nearest pixel.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.scaling import scale_resolution
        >>> scale_resolution(zoo.get("resnet-50"), 1.15).resolution_px
        258
    """
    if resolution == 1:
        return architecture
    if isinstance(architecture, Architecture):
        return cast(N, _finer(architecture, resolution))
    return cast(N, cast(SelfScalingNetwork, architecture).finer(resolution))


def _deeper(architecture: Architecture, depth: float) -> Architecture:
    a = architecture

    def repeats(stage: Stage) -> int:
        return round_repeats(stage.repeats, depth, a.repeats_rounding)

    stages = tuple(s if s.fixed_repeats else _resized(s, repeats(s), s.channels) for s in a.stages)
    return replace(a, name=f"{a.name} d{depth:.2f}", stages=stages)


def _wider(architecture: Architecture, width: float) -> Architecture:
    a = architecture

    def wide(channels: int) -> int:
        return round_channels(channels, width, a.channel_divisor)

    stages = tuple(_resized(s, s.repeats, wide(s.channels)) for s in a.stages)
    ends = (a.stem_channels, a.head_channels)
    if not a.fixed_stem_and_head:
        # A head without a convolution (0 channels) stays without.
        ends = (wide(ends[0]), ends[1] and wide(ends[1]))
    return replace(
        a,
        name=f"{a.name} w{width:.2f}",
        stages=stages,
        stem_channels=ends[0],
        head_channels=ends[1],
    )


def _finer(architecture: Architecture, resolution: float) -> Architecture:
    return replace(
        architecture,
        name=f"{architecture.name} r{resolution:.2f}",
        resolution_px=round_px(architecture.resolution_px, resolution),
    )


# A large grid makes few distinct stages; sharing them also shares what they remember.
@lru_cache(maxsize=1 << 14)
def _resized(stage: Stage, repeats: int, channels: int) -> Stage:
    return replace(stage, repeats=repeats, channels=channels)


def _require_positive(values: Multipliers | Coefficients) -> None:
    for field in fields(values):
        value = getattr(values, field.name)
        if not (isfinite(value) and value > 0):
            require(False, f"{field.name} must be a positive number", value)
