"""One image file: is it whole, and what does it show at a side in px?

JPEG files are decoded by torchvision's operator, which gives the bytes that Pillow gives in half to
four fifths of the time. Pillow decodes all else, and the JPEG files so large that it need not
decode every pixel of them.
"""

from __future__ import annotations

import functools
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torchvision import io as _registers_the_operator  # noqa: F401
from torchvision.transforms.v2 import functional as transforms

from scaling_search.data.cache import Images
from scaling_search.errors import UserError

# What Pillow raises for files that are damaged, of no known kind, or bombs.
BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

COLOURS_OF_FILE = 0  # torchvision.io.ImageReadMode.UNCHANGED
# Baseline, extended and progressive JPEG; the rest (lossless, arithmetic …) is left to Pillow.
FRAMES = (0xC0, 0xC1, 0xC2)


@functools.lru_cache(maxsize=1)
def threads() -> ThreadPoolExecutor:
    """The threads that decode; decoding leaves Python's lock, so they run at once."""
    return ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="decode")


# A forked worker has the pool but none of its threads: it makes its own.
os.register_at_fork(after_in_child=threads.cache_clear)


def decode(path: Path, px: int, channels: int) -> Images:
    """The image as uint8 C × px × px: the shorter side resized to `px`, cut to the middle.

    Raises UserError, naming the file, when it can't be decoded.
    """
    tensor = _by_torchvision(path, px) if channels == 3 else None
    if tensor is None:
        tensor = _by_pillow(path, px, channels)
    if min(tensor.shape[1:]) != px:
        tensor = transforms.resize(tensor, [px], antialias=True)
    if tensor.shape[1:] != (px, px):
        tensor = transforms.center_crop(tensor, [px, px])
    image: Images = tensor.numpy()
    return image


def _by_pillow(path: Path, px: int, channels: int) -> torch.Tensor:
    try:
        with Image.open(path) as image:
            # Lets a JPEG decode at a half, a quarter …, never below twice the side asked for.
            image.draft("RGB", (2 * px, 2 * px))
            mode = "L" if channels == 1 else "RGB"
            tensor: torch.Tensor = transforms.pil_to_tensor(image.convert(mode))
    except BROKEN as error:
        raise broken(path, error) from error
    return tensor


def _by_torchvision(path: Path, px: int) -> torch.Tensor | None:
    """Three channels of a JPEG; None where Pillow does better, or has to say what is wrong."""
    try:
        content = np.fromfile(path, np.uint8)
        side_px = jpeg_side_px(content.data)
        # From four times the side on, Pillow's draft decodes a quarter of the pixels or fewer.
        if side_px is None or side_px >= 4 * px:
            return None
        # torchvision's Python around it warns since 0.29 that it will be removed; without the
        # operator Pillow does the work.
        operator = torch.ops.image.decode_jpeg
        tensor: torch.Tensor = operator(torch.from_numpy(content), COLOURS_OF_FILE, False)
    except (OSError, RuntimeError, AttributeError):
        return None
    planes = len(tensor)
    if planes == 1:
        return tensor.expand(3, -1, -1)
    return tensor if planes == 3 else None  # four: printers' colours


def jpeg_side_px(content: memoryview) -> int | None:
    """The shorter side that a JPEG's header tells; None for other files.

    Segments follow each other: 0xFF, marker, length of the rest as big-endian uint16. Source: ITU
    T.81, annex B.
    """
    if bytes(content[:2]) != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        if content[at + 1] in FRAMES:  # marker, length, bits a sample, height, width
            height, width = (int.from_bytes(content[i : i + 2]) for i in (at + 5, at + 7))
            return min(height, width) if content[at + 4] == 8 else None
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None


def size_of(path: Path, content: bytes) -> tuple[int, int]:
    """Width and height of an image that decodes to its end.

    Raises UserError, naming the file, when it doesn't.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            size = image.size
            image.draft("L", (1, 1))  # reads every byte of a JPEG at a fraction of the work
            image.load()
    except BROKEN as error:
        raise broken(path, error) from error
    return size


def size_told(path: Path) -> tuple[int, int]:
    """Width and height that an image's header tells; raises UserError, naming the file."""
    try:
        with Image.open(path) as image:
            return image.size
    except BROKEN as error:
        raise broken(path, error) from error


def broken(path: Path, error: BaseException) -> UserError:
    """The line that names a file which can't be decoded."""
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "bytes of no known kind" if unknown else " ".join(str(error).split())
    return UserError(
        f"{path} must be an image, got {reason or type(error).__name__}: replace it or take it away"
    )
