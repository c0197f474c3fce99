"""The rounding rules of EfficientNet: channels to 8, repeats up, pixels to the nearest."""

from __future__ import annotations

import math

# Products such as 10 * 1.1 miss the whole number by 1e-15; what lies this close to it is it.
_NOISE_DIGITS = 6


def round_channels(channels: int, width: float, divisor: int = 8) -> int:
    """`channels × width` to the nearest multiple of `divisor`, never below 90 % of it.

    Source: `round_filters` of the official EfficientNet code; `_make_divisible` of torchvision.
    """
    asked = round(channels * width, _NOISE_DIGITS)
    rounded = max(divisor, int(asked + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * asked else rounded


def round_repeats(repeats: int, depth: float) -> int:
    """`repeats × depth` rounded up: one repeat becomes two as soon as depth exceeds 1.

    Source: `round_repeats` of the official EfficientNet code.
    """
    return math.ceil(round(repeats * depth, _NOISE_DIGITS)) or 1


def round_px(side_px: int, resolution: float) -> int:
    """`side_px × resolution` to the nearest pixel, halves up, at least 1."""
    return max(1, math.floor(round(side_px * resolution, _NOISE_DIGITS) + 0.5))
