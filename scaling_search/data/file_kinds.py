"""What a file is that no image could be read from, and what makes an image of it."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

HEAD_BYTES = 512
BITS_PER_SAMPLE, COMPRESSION, SAMPLES_PER_PIXEL, SAMPLE_FORMAT = 258, 259, 277, 339  # TIFF 6.0
SAMPLE_FORMATS = {1: "unsigned", 2: "signed", 3: "float", 5: "complex", 6: "complex"}
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class FileKind:
    """What a file is, in words, and the way out."""

    description: str
    hint: str


UNKNOWN = FileKind("bytes of no known kind", "")
CONVERT = "convert to JPEG or PNG"
# By what they begin with; of HEIC and JPEG XL Pillow knows with plug-ins alone.
SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"version https://git-lfs", FileKind("a pointer of Git LFS", "fetch with git lfs pull")),
    (b"%PDF", FileKind("a PDF", CONVERT)),
    (b"PK\x03\x04", FileKind("a ZIP archive", "unpack into the folder")),
    (b"\x1f\x8b", FileKind("a gzip archive", "unpack into the folder")),
    (b"\x93NUMPY", FileKind("an array of NumPy", "save as 8- or 16-bit PNG")),
    (b"\x89HDF", FileKind("an HDF5 file", "save its images as 8- or 16-bit PNG")),
    (b"\xff\x0a", FileKind("JPEG XL", CONVERT)),
    (b"\0\0\0\x0cJXL ", FileKind("JPEG XL", CONVERT)),
)
HEIF = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def kind_of(path: Path) -> FileKind:
    """What the file is, as far as its first bytes and, of a TIFF, its tags tell; raises OSError."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(TIFF_MAGIC):
        return _tiff(path)
    if head[4:8] == b"ftyp" and head[8:12] in HEIF:
        return FileKind("HEIC, as telephones write it", CONVERT)
    if head[128:132] == b"DICM":
        return FileKind("DICOM", "save as 16-bit PNG")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return FileKind("a page of HTML", "download the image itself")
    if text.startswith((b"<svg", b"<?xml")):
        return FileKind("SVG or other XML", "draw as PNG")
    return next((kind for mark, kind in SIGNATURES if head.startswith(mark)), UNKNOWN)


def _tiff(path: Path) -> FileKind:
    tags = _tags(path)
    if tags is None:
        return FileKind("a TIFF whose tags can't be read", "")
    bits, kinds = tags.get(BITS_PER_SAMPLE, (1,)), tags.get(SAMPLE_FORMAT, (1,))
    count, method = tags.get(SAMPLES_PER_PIXEL, 1), tags.get(COMPRESSION, 1)
    kind = SAMPLE_FORMATS.get(kinds[0], "unknown")
    compression = "" if method == 1 else f", compression {method}"
    return FileKind(
        f"a TIFF of {count} × {bits[0]}-bit {kind}{compression}",
        "save as 8- or 16-bit TIFF or PNG, or grey as 32-bit float TIFF",
    )


def _tags(path: Path) -> Any:
    """The tags of a TIFF's first image; None where they can't be read."""
    content = io.BytesIO(path.read_bytes())
    head = content.read(8)
    if head[2:3] == b"+" or head[3:4] == b"+":  # BigTIFF
        head += content.read(8)
    try:
        tags = ImageFileDirectory_v2(head)
        if tags.next >= len(content.getbuffer()):  # Pillow would warn of it
            return None
        content.seek(tags.next)
        tags.load(content)
        tags[BITS_PER_SAMPLE]
    except (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error):
        return None
    return tags
