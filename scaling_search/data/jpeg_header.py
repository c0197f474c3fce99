"""What the header of a JPEG tells, without a decoder."""

from __future__ import annotations

from dataclasses import dataclass

# Baseline, extended and progressive JPEG; the rest (lossless, arithmetic …) is left to Pillow.
FRAMES = (0xC0, 0xC1, 0xC2)
SCAN = 0xDA  # where the header ends

APP1 = 0xE1  # EXIF or XMP: where an orientation is said


@dataclass(frozen=True)
class JpegHeader:
    """The shorter side that a JPEG's header tells, and whether it may say an orientation."""

    side_px: int
    has_exif: bool


def jpeg_header(content: memoryview) -> JpegHeader | None:
    """What the header of a JPEG of 8 bits tells; None for other files.

    Segments follow each other: 0xFF, marker, length of the rest as big-endian uint16. Source: ITU
    T.81, annex B.

    Examples:
        >>> import io
        >>> from PIL import Image
        >>> from scaling_search.data.jpeg_header import jpeg_header
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (64, 48), "red").save(file, "JPEG")
        >>> jpeg_header(file.getbuffer()).side_px
        48
    """
    if bytes(content[:2]) != b"\xff\xd8":
        return None
    at, has_exif, side_px = 2, False, None
    while at + 9 <= len(content) and content[at] == 0xFF and content[at + 1] != SCAN:
        if content[at + 1] in FRAMES:  # marker, length, bits a sample, height, width
            if content[at + 4] != 8:
                return None
            side_px = min(int.from_bytes(content[i : i + 2]) for i in (at + 5, at + 7))
        has_exif |= content[at + 1] == APP1  # which may follow the frame's header
        at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None if side_px is None else JpegHeader(side_px, has_exif)
