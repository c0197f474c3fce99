"""How scaling rounds: channels to a divisor, repeats up or to the nearest, pixels to the nearest.

EfficientNet's own rules are channels to 8 and repeats up. On a small base they leave gaps: 8
channels become 16, and any depth above 1 doubles a stage of one repeat.
"""

from __future__ import annotations

import math
from typing import Literal

RepeatsRounding = Literal["up", "nearest"]

# Products such as 10 * 1.1 miss the whole number by 1e-15; what lies this close to it is it.
_NOISE_DIGITS = 6


def round_channels(channels: int, width: float, divisor: int = 8) -> int:
    """`channels × width` to the nearest multiple of `divisor`, never below 90 % of it.

    Source: `round_filters` of the official EfficientNet code; `_make_divisible` of torchvision.

    Examples:
        >>> from scaling_search.arch.rounding import round_channels
        >>> [round_channels(channels, 1.1) for channels in (16, 24, 40, 320)]
        [16, 24, 48, 352]
    """
    exact = round(channels * width, _NOISE_DIGITS)
    rounded = max(divisor, int(exact + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * exact else rounded


def round_repeats(repeats: int, depth: float, rounding: RepeatsRounding = "up") -> int:
    """`repeats × depth` as a whole number, at least 1.

    "up" is `round_repeats` of the official EfficientNet code: one repeat becomes two as soon as
    depth exceeds 1. "nearest" takes halves up.

    Examples:
        >>> from scaling_search.arch.rounding import round_repeats
        >>> [round_repeats(repeats, 1.2) for repeats in (1, 2, 3)]
        [2, 3, 4]
        >>> [round_repeats(repeats, 1.2, "nearest") for repeats in (1, 2, 3)]
        [1, 2, 4]
    """
    exact = round(repeats * depth, _NOISE_DIGITS)
    return max(1, math.ceil(exact) if rounding == "up" else math.floor(exact + 0.5))


def round_px(side_px: int, resolution: float) -> int:
    """`side_px × resolution` to the nearest pixel, halves up, at least 1.

    Examples:
        >>> from scaling_search.arch.rounding import round_px
        >>> round_px(224, 1.15)
        258
    """
    return max(1, math.floor(round(side_px * resolution, _NOISE_DIGITS) + 0.5))
