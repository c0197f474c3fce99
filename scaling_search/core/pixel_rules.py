"""What the pixels of files mean that are not plain 8-bit grey or colour: the rules, as values.

docs/your-images.md states them for users, `datasets` prints them, `data.pixels` follows them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from scaling_search.core.errors import require

Ground = Literal["white", "black", "grey"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)
LEVELS: dict[Ground, int] = {"white": 255, "black": 0, "grey": 128}

Depth = Literal["8-bit", "12-bit", "16-bit", "32-bit", "float", "signed 8-bit"]
WHOLE_RANGE: dict[Depth, tuple[float, float]] = {
    "8-bit": (0, 255),
    "12-bit": (0, 4095),
    "16-bit": (0, 65535),
    "float": (0, 1),
}
"""What is black and what is white where a file's depth says so; 32-bit values can mean anything."""
ROUNDING = 1e-6  # so far may float values lie outside of 0…1

PIXEL_RULES = (
    "8-bit grey, colour, palette, 1-bit, printers' colours (CMYK), YCbCr and LAB become grey or "
    "RGB as Pillow converts them; colour profiles are not applied",
    "an image is turned upright as its EXIF orientation says",
    'transparency is laid on white, or on what [data] ground names: "black" or "grey"',
    "16-bit grey is scaled, 0…65535 to black…white (12-bit TIFF: 0…4095); float values are "
    "fractions of white, 0…1",
    "other values (32-bit, signed, floats outside of 0…1) are refused unless [data] "
    "value_range = [black, white] says what they mean; it holds for 12 and 16 bits and floats too",
    "of 16-bit colour the upper 8 bits are taken; it is refused where a value_range is given, and "
    "so is grey that is scaled as its header says (PGM, JPEG 2000)",
    "of a file of several frames or pages the first is taken",
    "the shorter side is resized, and the middle is cut out",
)


@dataclass(frozen=True)
class PixelFormat:
    """How a file's pixels differ from plain 8-bit ones that stand upright.

    `transparent`: some pixel shows the ground. `lowest` and `highest` are the values found, NaN
    among them where one was. `deep_colour`: more than the 8 bits a colour that are read.
    `rescaled`: what is read as 16-bit grey is of another range in the file.
    """

    turned: bool = False
    transparent: bool = False
    depth: Depth = "8-bit"
    lowest: float = 0.0
    highest: float = 255.0
    deep_colour: bool = False
    rescaled: bool = False


PLAIN = PixelFormat()


@dataclass(frozen=True)
class PixelRules:
    """What transparency is laid on, and which values are black and white beyond 8 bits.

    `value_range` None: as the file's depth says. Raises UserError for an unknown ground or a range
    that is none.

    Examples:
        >>> from scaling_search.core.pixel_rules import PixelFormat, PixelRules
        >>> x_ray = PixelFormat(depth="16-bit", lowest=0, highest=4095)
        >>> PixelRules().range_of(x_ray), PixelRules(value_range=(0, 4095)).range_of(x_ray)
        ((0, 65535), (0, 4095))
    """

    ground: Ground = "white"
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        require(self.ground in GROUNDS, f"ground must be one of {', '.join(GROUNDS)}", self.ground)
        if self.value_range is not None:
            pixel_values = set(self.value_range)
            proper = len(self.value_range) == len(pixel_values) == 2 and all(
                map(math.isfinite, pixel_values)
            )
            rule = "value_range must be two different finite values, of black and of white"
            require(proper, rule, list(self.value_range))

    def range_of(self, format: PixelFormat) -> tuple[float, float] | None:
        """The values that are black and white in such a file; None where nothing says so."""
        if format.depth == "8-bit":
            return WHOLE_RANGE["8-bit"]
        if self.value_range is not None:
            return self.value_range
        black, white = WHOLE_RANGE.get(format.depth, (math.nan, math.nan))
        within = black - ROUNDING <= format.lowest and format.highest <= white + ROUNDING
        return (black, white) if within else None

    def problem(self, format: PixelFormat) -> str:
        """Why such a file can't be used, in words with the way out; empty where it can."""
        if format.deep_colour and self.value_range is not None:
            return (
                "16-bit colour, of which the upper 8 bits are read, so that no value_range holds "
                "for it; save it as 16-bit grey or scaled to 8 bits, or leave value_range out"
            )
        if format.rescaled and self.value_range is not None:
            return (
                "grey that is scaled to black…white as its header says (PGM, JPEG 2000), so that "
                "no value_range holds for it; save it as 16-bit PNG, or leave value_range out"
            )
        if not (math.isfinite(format.lowest) and math.isfinite(format.highest)):
            return "values that are no finite numbers"
        if self.range_of(format) is not None:
            return ""
        lowest, highest = f"{format.lowest:.6g}", f"{format.highest:.6g}"
        return (
            f"{format.depth} values from {lowest} to {highest}, of which nothing says what is "
            f"black and what white; say value_range = [{lowest}, {highest}], or others"
        )

    def marks(self, format: PixelFormat) -> str:
        """What these rules make of such a file's pixels, to tell results apart.

        Empty for plain pixels, whose meaning no rule changes.
        """
        parts = ["upright"] if format.turned else []
        parts += [f"on {self.ground}"] if format.transparent else []
        if format.depth != "8-bit":
            parts += [f"range {[float(value) for value in self.range_of(format) or ()]}"]
        return ", ".join(parts)


BY_DEFAULT = PixelRules()
