"""Files that no image can be read from: what they are, and what makes images of them."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from scaling_search.core.errors import UserError
from scaling_search.data.decode import decode
from scaling_search.data.file_kinds import kind_of
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest

AS_TIFF = "save as 8- or 16-bit TIFF or PNG, or grey as 32-bit float TIFF"
GREY, COLOUR = np.zeros((4, 4)), np.zeros((4, 4, 3))
FORMATS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(pixels: NDArray[np.generic], *, big: bool = False) -> bytes:
    """An uncompressed TIFF of H × W or H × W × samples in the array's own values, as tools save."""
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    bits = struct.pack(f"<{samples}H", *[8 * pixels.itemsize] * samples)
    kinds = struct.pack(f"<{samples}H", *[FORMATS[pixels.dtype.kind]] * samples)
    head, word, entry = (16, "<Q", "<HHQ") if big else (8, "<I", "<HHI")
    room = struct.calcsize(word)
    tags: list[tuple[int, int | bytes]]
    tags = [(256, 4), (257, 4), (258, bits), (259, 1), (262, 1 if samples == 1 else 2)]
    tags += [(273, 0), (277, samples), (278, 4), (279, pixels.nbytes), (339, kinds)]
    count = struct.pack("<Q" if big else "<H", len(tags))
    after = head + len(count) + len(tags) * (struct.calcsize(entry) + room) + room
    table, beside = b"", b""
    for tag, value in tags:
        if isinstance(value, int):
            start = after + 2 * len(bits) if tag == 273 else value
            table += struct.pack(entry, tag, 4, 1) + struct.pack("<I", start).ljust(room, b"\0")
            continue
        there = (
            value.ljust(room, b"\0")
            if len(value) <= room
            else struct.pack(word, after + len(beside))
        )
        beside += b"" if len(value) <= room else value
        table += struct.pack(entry, tag, 3, samples) + there
    begin = b"II+\0\x08\0\0\0" if big else b"II*\0"
    content = begin + struct.pack(word, head) + count + table + struct.pack(word, 0)
    return content + beside.ljust(2 * len(bits), b"\0") + pixels.tobytes()


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (GREY.astype("<f8"), "1 × 64-bit float"),
        (GREY.astype("<f2"), "1 × 16-bit float"),
        (GREY.astype("<u8"), "1 × 64-bit unsigned"),
        (GREY.astype("<c8"), "1 × 64-bit complex"),
        (COLOUR.astype("<f4"), "3 × 32-bit float"),
        (COLOUR.astype("<f8"), "3 × 64-bit float"),
        (COLOUR.astype("<i4"), "3 × 32-bit signed"),
        (np.zeros((4, 4, 13), "<u2"), "13 × 16-bit unsigned"),
    ],
)
def test_a_tiff_that_pillow_does_not_read_is_told_by_its_values(
    tmp_path: Path, pixels: NDArray[np.generic], words: str, big: bool
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(pixels, big=big))
    with pytest.raises(UserError) as refused:
        decode(path, 4, 3)
    assert str(refused.value) == f"{path} must be an image, got a TIFF of {words}: {AS_TIFF}"


@pytest.mark.parametrize("big", [False, True])
def test_the_same_tiff_of_single_grey_floats_is_read(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(np.ones((4, 4), "<f4"), big=big))
    assert (decode(path, 4, 3) == 255).all()


def numpy_file() -> bytes:
    taken = io.BytesIO()
    np.save(taken, COLOUR)
    return taken.getvalue()


@pytest.mark.parametrize(
    ("content", "what", "way_out"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1", "HEIC, as telephones write it", "JPEG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS", "git lfs pull"),
        (b"\n<!DOCTYPE html><title>404</title>", "a page of HTML", "download the image itself"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "SVG or other XML", "PNG"),
        (b"%PDF-1.7", "a PDF", "JPEG"),
        (b"\0" * 128 + b"DICM", "DICOM", "16-bit PNG"),
        (numpy_file(), "an array of NumPy", "16-bit PNG"),
        (gzip.compress(b"an image", mtime=0), "a gzip archive", "unpack"),
        (b"II*\0", "a TIFF whose tags can't be read", ""),
        (b"", "bytes of no known kind", ""),
        (b"no image", "bytes of no known kind", ""),
    ],
)
def test_other_files_under_an_images_name_are_told_by_how_they_begin(
    tmp_path: Path, content: bytes, what: str, way_out: str
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    kind = kind_of(path)
    assert kind.description == what
    assert way_out in kind.hint
    with pytest.raises(UserError, match=what):
        decode(path, 4, 3)


def test_where_all_bad_files_are_of_one_kind_the_line_says_what_mends_them(folder: Path) -> None:
    for name in ("train/cat/0.png", "test/dog/1.png"):
        (folder / name).write_bytes(tiff(COLOUR.astype("<f4")))
    request = DataRequest("imagefolder", root=str(folder))
    with pytest.raises(UserError, match=rf"cat/0.png \(a TIFF of 3 × 32-bit float\).*: {AS_TIFF}$"):
        describe(request)
    (folder / "test" / "dog" / "2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"3 files in .*: replace them or take them away$"):
        describe(request)
