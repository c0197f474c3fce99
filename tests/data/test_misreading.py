"""Files that Pillow gives wrong or scaled values for: refused, or read by what their bytes say."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.core.errors import UserError
from scaling_search.core.pixel_rules import PixelRules
from scaling_search.data.decode import decode, inspect_image
from scaling_search.data.jpeg_header import jpeg_header
from scaling_search.data.load import describe
from scaling_search.data.request import DataRequest
from tests.data.conftest import disc

SIDE = 32
RAMP = np.tile(np.arange(SIDE) / (SIDE - 1), (SIDE, 1))  # black at the left, white at the right
LEVELS = np.rint(255 * RAMP)


def tiff(pixels: bytes, order: str, bits: int, **tags: int) -> bytes:
    """A TIFF of SIDE × SIDE in strips of whole planes, as other programs than Pillow save."""
    planes, offset = tags.get("planes", 1), 8 + 2 + 12 * 12 + 4
    strips, beside = [len(pixels) // planes] * planes, b""

    def entry(tag: int, *values: int) -> bytes:
        nonlocal beside
        content = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place, beside = offset + len(beside), beside + content
            content = struct.pack(f"{order}I", place)
        return struct.pack(f"{order}HHI", tag, 4, len(values)) + content

    start = offset + 4 * 3 * planes * (planes > 1)
    table = b"".join(
        (
            *(entry(256, SIDE), entry(257, SIDE), entry(258, *[bits] * planes)),
            *(entry(259, tags.get("compression", 1)), entry(262, 2 if planes > 1 else 1)),
            entry(273, *(start + sum(strips[:strip]) for strip in range(planes))),
            *(entry(277, planes), entry(278, SIDE), entry(279, *strips)),
            *(entry(284, 2 if planes > 1 else 1), entry(339, tags.get("values", 1))),
            entry(305, 0),
        )
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, 12)
    return head + table + bytes(4) + beside + pixels


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
def test_planes_of_16_bit_colour_are_refused_and_those_of_8_are_read(
    tmp_path: Path, order: str, bits: int
) -> None:
    path = tmp_path / "planes.tif"
    kind = f"{order}u{bits // 8}"
    planes = [np.rint(share * (2**bits - 1)) for share in (RAMP, RAMP.T, 1 - RAMP)]
    path.write_bytes(tiff(np.array(planes).astype(kind).tobytes(), order, bits, planes=3))
    if bits == 16:
        with pytest.raises(UserError, match=r"planes\.tif .*16-bit colour in planes; save it"):
            decode(path, SIDE, 3)
        with pytest.raises(ValueError, match="in planes"):
            inspect_image(path.read_bytes())
        return
    assert (decode(path, SIDE, 3) == np.array([LEVELS, LEVELS.T, 255 - LEVELS])).all()


@pytest.mark.parametrize(("kind", "values"), [("i2", 2), ("i4", 2), ("f4", 3)])
@pytest.mark.parametrize(("order", "compression"), [("<", 1), ("<", 8), (">", 1), (">", 8)])
def test_compressed_values_are_read_rightly_or_refused(
    tmp_path: Path, kind: str, values: int, order: str, compression: int
) -> None:
    path = tmp_path / "scan.tif"
    pixels = (RAMP * 10000 - 5000).astype(f"{order}{kind}").tobytes()
    packed = zlib.compress(pixels) if compression == 8 else pixels
    bits = 8 * int(kind[1])
    path.write_bytes(tiff(packed, order, bits, compression=compression, values=values))
    rules = PixelRules(value_range=(-5000, 5000))
    if (order, compression) == (">", 8):
        with pytest.raises(UserError, match=r"compressed big-endian TIFF .*save it little-endian"):
            decode(path, SIDE, 1, rules)
        return
    assert np.abs(decode(path, SIDE, 1, rules)[0] - LEVELS).max() <= 1


def of_12_bits(image: Image.Image, **options: object) -> bytes:
    """JPEG 2000 whose headers say 12 bits a value."""
    file = io.BytesIO()
    image.save(file, "JPEG2000", **options)
    content = bytearray(file.getvalue())
    for mark, bytes_on in ((b"ihdr", 14), (b"\xff\x4f\xff\x51", 42)):
        at = content.find(mark)
        if at >= 0:
            content[at + bytes_on] = 11
    return bytes(content)


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}])
def test_jpeg_2000_of_more_than_8_bits_a_colour_is_refused(
    tmp_path: Path, options: dict[str, object]
) -> None:
    path = tmp_path / "photo.jp2"
    disc(60, (SIDE, SIDE)).save(path, "JPEG2000", **options)
    assert decode(path, SIDE, 3).shape == (3, SIDE, SIDE)
    path.write_bytes(of_12_bits(disc(60, (SIDE, SIDE)), **options))
    with pytest.raises(UserError, match=r"JPEG 2000 of more than 8 bits a colour.*save it as PNG"):
        decode(path, SIDE, 3)


@pytest.mark.parametrize("maximum", [1023, 4095])
@pytest.mark.parametrize("magic", ["P2", "P5"])
def test_a_pgm_of_another_maximum_is_scaled_by_it_and_takes_no_range(
    tmp_path: Path, maximum: int, magic: str
) -> None:
    path, values = tmp_path / "scan.pgm", np.rint(RAMP * maximum).astype(">u2")
    body = values.tobytes() if magic == "P5" else " ".join(map(str, values.ravel())).encode()
    path.write_bytes(f"{magic} {SIDE} {SIDE} {maximum}\n".encode() + body)
    assert np.abs(decode(path, SIDE, 1)[0] - LEVELS).max() <= 1
    with pytest.raises(UserError, match=r"scaled .* as its header says.*leave value_range out"):
        decode(path, SIDE, 1, PixelRules(value_range=(0, maximum)))
    path.write_bytes(f"P5 {SIDE} {SIDE} 65535\n".encode() + values.tobytes())
    half = decode(path, SIDE, 1, PixelRules(value_range=(0, 2 * maximum)))[0]
    assert np.abs(half - LEVELS / 2).max() <= 1


def test_jpeg_2000_of_12_bit_grey_takes_no_range(tmp_path: Path) -> None:
    path, deep = tmp_path / "scan.jp2", Image.fromarray(np.rint(RAMP * 65535).astype(np.uint16))
    deep.save(path)
    assert np.abs(decode(path, SIDE, 1, PixelRules(value_range=(0, 65535)))[0] - LEVELS).max() <= 1
    path.write_bytes(of_12_bits(deep))
    with pytest.raises(UserError, match="leave value_range out"):
        decode(path, SIDE, 1, PixelRules(value_range=(0, 4095)))


def damaged(image: Image.Image) -> bytes:
    """A PNG one bit of whose pixels is another, which Pillow passes over."""
    file = io.BytesIO()
    image.save(file, "PNG")
    content = file.getvalue()
    for at in range(content.index(b"IDAT") + 6, len(content) - 20):
        flipped = bytes([*content[:at], content[at] ^ 1, *content[at + 1 :]])
        with suppress(OSError), Image.open(io.BytesIO(flipped)) as seen:
            if (np.asarray(seen) != np.asarray(image)).any():
                return flipped
    raise AssertionError("Pillow has seen all damage")


def test_a_png_whose_pixels_are_damaged_is_named_before_training(folder: Path) -> None:
    path = folder / "train" / "cat" / "3.png"
    path.write_bytes(damaged(disc(60, (SIDE, SIDE))))
    with pytest.raises(UserError, match=r"3\.png must be an image, got damaged pixels"):
        describe(DataRequest("imagefolder", root=str(folder)))
    with pytest.raises(UserError, match=r"3\.png must be an image, got damaged pixels"):
        decode(path, 16, 3)


def test_an_orientation_that_follows_the_header_of_a_jpeg_is_heeded(tmp_path: Path) -> None:
    path, exif = tmp_path / "photo.jpg", Image.Exif()
    exif[0x0112] = 6
    half = np.zeros((SIDE, SIDE, 3), np.uint8)
    half[: SIDE // 2] = 255  # white above: on the right once it is turned
    Image.fromarray(half).save(path, exif=exif)
    content = path.read_bytes()
    at = content.index(b"\xff\xe1")
    segment = content[at : at + 2 + int.from_bytes(content[at + 2 : at + 4])]
    others = content.replace(segment, b"")
    tables = others.index(b"\xff\xc4")  # after the frame's header
    path.write_bytes(others[:tables] + segment + others[tables:])
    header = jpeg_header(memoryview(path.read_bytes()))
    assert header is not None
    assert header.has_exif
    upright = decode(path, SIDE, 3)
    assert upright[:, :, SIDE // 2 :].mean() > 250
    assert upright[:, :, : SIDE // 2].mean() < 5


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("side", [(6000, 4), (4, 6000)])
def test_of_a_strip_the_middle_is_seen_without_the_memory_for_all_of_it(
    tmp_path: Path, ending: str, side: tuple[int, int]
) -> None:
    path, strip = tmp_path / f"strip.{ending}", Image.new("RGB", side, (0, 0, 0))
    middle = (2900, 0, 3100, 4) if side[0] > side[1] else (0, 2900, 4, 3100)
    strip.paste((255, 255, 255), middle)
    strip.save(path)
    assert decode(path, 1024, 3).min() > 250  # resized whole it would take 4.7 GB
