"""From an image that Pillow opened to 8-bit grey or colour, by the rules of `pixel_rules`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scaling_search.core.pixel_rules import LEVELS, Depth, PixelFormat, PixelRules
from scaling_search.data.file_kinds import BITS_PER_SAMPLE, SAMPLE_FORMAT
from scaling_search.data.misreading import has_deep_colour, is_rescaled, misread, require_whole

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes an EXIF orientation. Source: EXIF 2.32, table 6."""

PHOTOMETRIC = 262  # a tag of TIFF 6.0
WHITE_IS_ZERO, UNSIGNED, SIGNED = 0, (1,), (2,)
STRIP = 100
DEEP_GREY = ("PNG", "PPM")  # Pillow has opened their 16 bits as mode I, within 0…65535


def eight_bit(image: Image.Image, channels: int, rules: PixelRules) -> NDArray[np.uint8]:
    """The image upright as uint8, H × W × channels (1 or 3); loads it.

    Of a strip more than a hundred times as long as wide the middle alone. Raises ValueError, in
    words for its user, where the rules don't say what its values mean.

    Examples:
        >>> from PIL import Image
        >>> from scaling_search.core.pixel_rules import PixelRules
        >>> from scaling_search.data.pixels import eight_bit
        >>> clear = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
        >>> eight_bit(clear, 1, PixelRules(ground="grey"))[0, 0].tolist()
        [128]
    """
    if problem := rules.problem(_header_format(image)):
        raise ValueError(problem)
    image.load()
    pixels = _eight_bit(image, channels, rules)
    return _middle_of_strip(pixels) if is_strip(pixels.shape[:2]) else pixels


def is_strip(sides: Sequence[int]) -> bool:
    """Whether an image is so long that resized by its shorter side it would take all memory.

    Examples:
        >>> from scaling_search.data.pixels import is_strip
        >>> is_strip((1, 5000)), is_strip((480, 640))
        (True, False)
    """
    return max(sides) > STRIP * min(sides)


def _middle_of_strip(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Three times as long as wide, of which the middle square is cut out once it is resized."""
    length, width = max(pixels.shape[:2]), min(pixels.shape[:2])
    middle = slice((length - 3 * width) // 2, (length + 3 * width) // 2)
    return pixels[middle] if pixels.shape[0] == length else pixels[:, middle]


def _eight_bit(image: Image.Image, channels: int, rules: PixelRules) -> NDArray[np.uint8]:
    upright = _upright(image)
    if depth_of(image) == "8-bit":
        pixels = np.asarray(_converted(upright, "L" if channels == 1 else "RGB", rules))
        return pixels.reshape(*pixels.shape[:2], channels)
    values = _values(image, upright)
    grey = _scaled(image, values, rules)
    grey[_hidden(image, values)] = LEVELS[rules.ground]
    return np.repeat(grey[:, :, None], channels, 2)


def format_of(image: Image.Image) -> PixelFormat:
    """What is unusual about the pixels of an image that is not loaded yet; loads it.

    Raises ValueError, in words for its user, for what Pillow reads wrongly.

    Examples:
        >>> from PIL import Image
        >>> from scaling_search.data.pixels import format_of
        >>> deep = format_of(Image.new("I;16", (2, 2), 4095))
        >>> deep.depth, deep.highest, deep.turned
        ('16-bit', 4095.0, False)
    """
    header, plain = _header_format(image), is_plain(image)
    image.load()
    header = replace(header, turned=orientation(image) in UPRIGHT)
    if plain:
        return header
    depth = depth_of(image)
    if depth == "8-bit":
        image.convert("RGB")  # what can't be converted is found out now
        return replace(header, transparent=_shows_ground(image))
    values = _values(image, image)
    hidden = bool(_hidden(image, values).any())
    low, high = float(values.min()), float(values.max())
    return replace(header, transparent=hidden, depth=depth, lowest=low, highest=high)


def is_plain(image: Image.Image) -> bool:
    """Whether the header promises 8-bit pixels that hide nothing and convert without fail.

    Examples:
        >>> from PIL import Image
        >>> from scaling_search.data.pixels import is_plain
        >>> is_plain(Image.new("RGB", (2, 2))), is_plain(Image.new("RGBA", (2, 2)))
        (True, False)
    """
    if depth_of(image) == "signed 8-bit" or has_deep_colour(image) or misread(image):
        return False
    return image.mode in ("1", "L", "P", "RGB", "CMYK") and not image.has_transparency_data


def depth_of(image: Image.Image) -> Depth:
    """The bits of a value in the file.

    Examples:
        >>> from PIL import Image
        >>> from scaling_search.data.pixels import depth_of
        >>> depth_of(Image.new("L", (8, 8))), depth_of(Image.new("F", (8, 8)))
        ('8-bit', 'float')
    """
    if image.mode == "F":
        return "float"
    if image.mode == "I" and image.format not in DEEP_GREY:
        return "32-bit"
    if image.mode == "L" and _tag(image, SAMPLE_FORMAT, UNSIGNED) == SIGNED:
        return "signed 8-bit"  # Pillow reads -1 as 255
    if not image.mode.startswith("I"):
        return "8-bit"
    return "12-bit" if _tag(image, BITS_PER_SAMPLE) == (12,) else "16-bit"


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none, or none that can be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    # Broken EXIF is no fault of the pixels; what Pillow raises for it depends on what is broken.
    except (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _header_format(image: Image.Image) -> PixelFormat:
    """What the header tells of an image that is not loaded yet; raises as `format_of` does."""
    require_whole(image)
    if problem := misread(image):
        raise ValueError(problem)
    return PixelFormat(deep_colour=has_deep_colour(image), rescaled=is_rescaled(image))


def _upright(image: Image.Image) -> Image.Image:
    method = UPRIGHT.get(orientation(image))
    return image if method is None else image.transpose(method)


def _converted(image: Image.Image, mode: str, rules: PixelRules) -> Image.Image:
    if image.has_transparency_data:
        level = LEVELS[rules.ground]
        ground = Image.new("RGBA", image.size, (level, level, level, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    if image.mode == "LAB":  # Pillow knows one way out of it
        image = image.convert("RGB")
    return image.convert(mode)


def _shows_ground(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    least, _ = image.convert("RGBA").getchannel("A").getextrema()
    return least < 255  # type: ignore[operator]  # of one channel it is a number


def _hidden(opened: Image.Image, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pixels of a deep image are transparent: those of the one value that its file names."""
    named = opened.info.get("transparency")
    hidden: NDArray[np.bool_] = values == (named if isinstance(named, int) else np.nan)
    return hidden


def _values(opened: Image.Image, image: Image.Image) -> NDArray[np.float64]:
    """What the file says of each pixel; `image` is the opened one, perhaps turned."""
    values = np.asarray(image)
    if opened.mode == "I" and _tag(opened, SAMPLE_FORMAT, UNSIGNED) == UNSIGNED:
        values = values.view(np.uint32)  # Pillow holds them as signed
    if depth_of(opened) == "signed 8-bit":
        values = values.view(np.int8)
    return values.astype(np.float64)


def _scaled(
    opened: Image.Image, values: NDArray[np.float64], rules: PixelRules
) -> NDArray[np.uint8]:
    format = PixelFormat(
        depth=depth_of(opened), lowest=float(values.min()), highest=float(values.max())
    )
    if problem := rules.problem(format):
        raise ValueError(problem)
    black, white = rules.range_of(format) or (0, 1)
    if _tag(opened, PHOTOMETRIC) == WHITE_IS_ZERO:  # Pillow turns those of 8 bits alone
        black, white = white, black
    fractions = np.clip((values - black) / (white - black), 0, 1)
    scaled: NDArray[np.uint8] = np.rint(255 * fractions).astype(np.uint8)
    return scaled


def _tag(image: Image.Image, tag: int, default: object = None) -> object:
    """A TIFF file's tag; None where it is another file."""
    tags = getattr(image, "tag_v2", None)
    return None if tags is None else tags.get(tag, default)
