"""One image file: is it whole, and what does it show at a side in px?"""

from __future__ import annotations

import functools
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, UnidentifiedImageError
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
    try:
        with Image.open(path) as image:
            # Lets a JPEG decode at a half, a quarter …, never below twice the side asked for.
            image.draft("RGB", (2 * px, 2 * px))
            tensor = transforms.pil_to_tensor(image.convert("L" if channels == 1 else "RGB"))
    except BROKEN as error:
        raise broken(path, error) from error
    resized = transforms.resize(tensor, [px], antialias=True)
    cropped: Images = transforms.center_crop(resized, [px, px]).numpy()
    return cropped


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


def broken(path: Path, error: BaseException) -> UserError:
    """The line that names a file which can't be decoded."""
    unknown = isinstance(error, UnidentifiedImageError)
    reason = "bytes of no known kind" if unknown else " ".join(str(error).split())
    return UserError(
        f"{path} must be an image, got {reason or type(error).__name__}: replace it or take it away"
    )
