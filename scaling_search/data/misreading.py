"""Which files Pillow gives wrong or scaled values for without a word, as their headers tell.

All is asked of an image that is opened and not loaded yet.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from PIL import Image

from scaling_search.data.file_kinds import BITS_PER_SAMPLE

DEEP_COLOURS = ("RGB", "RGBA", "RGBX", "LA", "CMYK")
PIXELS = b"IDAT"  # of a PNG; the check sums of other chunks are Pillow's affair
PNG_MARK_BYTES = 8
PLANES, APART = 284, 2  # a tag of TIFF 6.0, and its value for planes
JPEG_2000_HEAD_BYTES = 1 << 16
IMAGE_HEADER = b"\0\0\0\x16ihdr"  # a box of height, width, components, bits (ISO 15444-1, I.5.3.1)
CODESTREAM = b"\xff\x4f\xff\x51"  # markers SOC and SIZ; the bits stand 42 bytes on (A.5.1)


def has_deep_colour(image: Image.Image) -> bool:
    """Whether a file has 16 bits a colour: Pillow reads the upper 8.

        Examples:
            >>> from PIL import Image

    from scaling_search.data.file_kinds import BITS_PER_SAMPLE
            >>> from scaling_search.data.misreading import has_deep_colour
            >>> has_deep_colour(Image.new("RGB", (8, 8)))
            False
    """
    if image.mode not in DEEP_COLOURS:
        return False
    return any(
        ";16" in word if isinstance(word, str) else image.format == "PPM" and word > 255
        for word in _decoder_words(image)
    )


def is_rescaled(image: Image.Image) -> bool:
    """Whether Pillow scales the file's grey values to 0…65535, or shifts them there.

    So it does with a PGM of another maximum, and with JPEG 2000 of other than 16 unsigned bits.
    """
    if image.format == "JPEG2000" and image.mode.startswith("I"):
        return _bits_of_jpeg_2000(image) != 16
    if image.format != "PPM" or image.mode != "I":
        return False
    # Of a maximum of 65535 the bytes are taken as they are, by a decoder of another name.
    return any(tile[0].startswith("ppm") and 65535 not in tile[3] for tile in _tiles(image))


def misread(image: Image.Image) -> str:
    """What a file is that Pillow decodes to other values, and the way out; empty for others."""
    tags = getattr(image, "tag_v2", None)
    if tags is not None:
        return _misread_tiff(image, tags)
    if image.format == "JPEG2000" and image.mode in DEEP_COLOURS and _bits_of_jpeg_2000(image) > 8:
        return "JPEG 2000 of more than 8 bits a colour, whose whites turn black; save it as PNG"
    return ""


def require_whole(image: Image.Image) -> None:
    """Raise ValueError for a PNG whose pixels are damaged, which Pillow does not always see."""
    if image.format != "PNG":
        return
    with _from_start(image) as file:
        file.seek(PNG_MARK_BYTES)
        while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
            content = file.read(int.from_bytes(head[:4]) + 4)
            check_sum = zlib.crc32(head[4:] + content[:-4])
            if head[4:] == PIXELS and check_sum != int.from_bytes(content[-4:]):
                raise ValueError("damaged pixels (a check sum of the PNG is another)")


def _misread_tiff(image: Image.Image, tags: Mapping[int, Any]) -> str:
    is_raw = {tile[0] for tile in _tiles(image)} == {"raw"}
    deep = max(tags.get(BITS_PER_SAMPLE, (1,))) > 8
    if image.mode in DEEP_COLOURS and deep and is_raw and tags.get(PLANES) == APART:
        return "a TIFF of 16-bit colour in planes; save it compressed, or its colours side by side"
    big_endian = getattr(tags, "prefix", b"") == b"MM"
    if image.mode in ("I", "F") and big_endian and not is_raw:  # libtiff has turned its bytes
        return "a compressed big-endian TIFF of signed or float values; save it little-endian"
    return ""


def _decoder_words(image: Image.Image) -> list[str | int]:
    """What Pillow's decoders are told: of PNG and TIFF the layout of bytes, of PPM the maximum."""
    arguments = [tile[3] for tile in _tiles(image)]
    words = [
        word
        for argument in arguments
        for word in (argument if isinstance(argument, tuple) else (argument,))
    ]
    return [word for word in words if isinstance(word, str | int)]


def _bits_of_jpeg_2000(image: Image.Image) -> int:
    """The bits of a value, and 128 more where it is signed; 256 where components differ."""
    with _from_start(image) as file:
        head = file.read(JPEG_2000_HEAD_BYTES)
    for mark, bytes_on in ((IMAGE_HEADER, 18), (CODESTREAM, 42)):
        at = head.find(mark) + bytes_on
        if mark in head and at < len(head):
            return head[at] + 1
    return 8


def _tiles(image: Image.Image) -> Sequence[Any]:
    """The parts that are decoded: decoder, extent, offset and what the decoder is told."""
    return getattr(image, "tile", ())


@contextmanager
def _from_start(image: Image.Image) -> Iterator[IO[bytes]]:
    """The file of an opened image, which stands afterwards where Pillow left it."""
    file = image.fp  # type: ignore[attr-defined]  # of every image that a file was opened for
    position = file.tell()
    file.seek(0)
    try:
        yield file
    finally:
        file.seek(position)
