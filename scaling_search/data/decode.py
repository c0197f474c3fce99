"""One image file: is it whole, and what does it show at a side in px?

JPEG files are decoded by torchvision's operator, which gives the bytes that Pillow gives in half to
four fifths of the time. Pillow decodes all else, and the JPEG files so large that it need not
decode every pixel of them.
"""

from __future__ import annotations

import functools
import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from scaling_search.core.pixel_rules import BY_DEFAULT, PixelFormat, PixelRules
from scaling_search.data.cache import Images
from scaling_search.data.file_kinds import kind_of
from scaling_search.data.jpeg_header import JpegHeader, jpeg_header
from scaling_search.data.pixels import eight_bit, format_of, is_plain, is_strip, orientation
from scaling_search.data.sources.base import REPLACE, Unusable, UnusableFilesError

# What Pillow's many readers raise for files that are damaged, of no known kind, or bombs.
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

COLOURS_OF_FILE = 0  # torchvision.io.ImageReadMode.UNCHANGED
LATE_EXIF = b"eXIf"  # a PNG's, which may follow its pixels
EXIF_OF_PNG = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}


@functools.lru_cache(maxsize=1)
def threads() -> ThreadPoolExecutor:
    """The threads that decode; decoding leaves Python's lock, so they run at once."""
    return ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="decode")


# A forked worker has the pool but none of its threads: it makes its own.
os.register_at_fork(after_in_child=threads.cache_clear)


def decode(path: Path, px: int, channels: int, rules: PixelRules = BY_DEFAULT) -> Images:
    """The image upright as uint8 C × px × px: the shorter side resized to `px`, cut to the middle.

    What its pixels mean follows the rules. Raises UserError, naming the file, when it can't be
    decoded.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from scaling_search.data.decode import decode
        >>> path = Path(tempfile.mkdtemp(), "red.png")
        >>> Image.new("RGB", (64, 48), "red").save(path)
        >>> decode(path, px=32, channels=3).shape
        (3, 32, 32)
    """
    tensor = _by_torchvision(path, px) if channels == 3 else None
    if tensor is None:
        tensor = _by_pillow(path, px, channels, rules)
    image: Images = _middle(tensor, px).numpy()
    return image


def _middle(tensor: torch.Tensor, px: int) -> torch.Tensor:
    """The shorter side resized to `px`, and a square cut out of the middle."""
    # torchvision takes a second to import: only who has files to decode waits.
    from torchvision.transforms.v2 import functional as transforms

    if min(tensor.shape[1:]) != px:
        tensor = transforms.resize(tensor, [px], antialias=True)
    if tensor.shape[1:] != (px, px):
        tensor = transforms.center_crop(tensor, [px, px])
    return tensor


def _by_pillow(path: Path, px: int, channels: int, rules: PixelRules) -> torch.Tensor:
    try:
        with Image.open(path) as image:
            # Lets a JPEG decode at a half, a quarter …, never below twice the side asked for.
            image.draft("RGB", (2 * px, 2 * px))
            pixels = eight_bit(image, channels, rules)
    except BROKEN as error:
        raise UnusableFilesError([undecodable(path, error)]) from error
    return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))


def _by_torchvision(path: Path, px: int) -> torch.Tensor | None:
    """Three channels of a JPEG; None where Pillow does better, or has to say what is wrong."""
    from torchvision import io as _registers_the_operator  # noqa: F401 (as slow as above)

    try:
        content = np.fromfile(path, np.uint8)
        header = jpeg_header(content.data)
        # From four times the side on, Pillow's draft decodes a quarter of the pixels or fewer.
        if header is None or header.side_px >= 4 * px or _is_turned(header, content):
            return None
        # torchvision's Python around it warns since 0.29 that it will be removed; without the
        # operator Pillow does the work.
        operator = torch.ops.image.decode_jpeg
        tensor: torch.Tensor = operator(torch.from_numpy(content), COLOURS_OF_FILE, False)
    except (OSError, RuntimeError, AttributeError):
        return None
    planes = len(tensor)
    if is_strip(tensor.shape[1:]):
        return None
    if planes == 1:
        return tensor.expand(3, -1, -1)
    return tensor if planes == 3 else None  # four: printers' colours


def _is_turned(header: JpegHeader, content: NDArray[np.uint8]) -> bool:
    """Whether the image doesn't stand upright; only where EXIF may say so is it parsed."""
    if not header.has_exif:
        return False
    with Image.open(io.BytesIO(content.data)) as image:
        return orientation(image) != 1


@dataclass(frozen=True)
class ImageFacts:
    """What was seen of an image: its sides in px, as in the file, and what is unusual about it."""

    width: int
    height: int
    format: PixelFormat


def inspect_image(content: bytes) -> ImageFacts:
    """What an image is that decodes to its end; raises one of BROKEN when it doesn't."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        image.draft("L", (1, 1))  # reads every byte of a JPEG at a fraction of the work
        return ImageFacts(width, height, format_of(image))


def inspect_ends(path: Path, tail: bytes) -> ImageFacts | None:
    """What an image's header tells; None where its pixels must be decoded to know.

    `tail` is the end of the file. Raises one of BROKEN.
    """
    with Image.open(path) as image:
        if not is_plain(image) or LATE_EXIF in tail:
            return None
        # A PNG is decoded to look for EXIF behind its pixels; there is none.
        silent = image.format == "PNG" and not image.info.keys() & EXIF_OF_PNG
        turned = not silent and orientation(image) != 1
        return ImageFacts(*image.size, PixelFormat(turned=turned))


def undecodable(path: Path, error: BaseException) -> Unusable:
    """A file of which decoding raised this: what is wrong with it, and the way out, in words."""
    if isinstance(error, UnidentifiedImageError):
        kind = kind_of(path)
        return broken(path, kind.description, kind.hint)
    return broken(path, " ".join(str(error).split()) or type(error).__name__)


def broken(path: Path, reason: str, hint: str = "") -> Unusable:
    """A file which can't be decoded, and why."""
    return Unusable(path, "an image", reason, hint or REPLACE)
