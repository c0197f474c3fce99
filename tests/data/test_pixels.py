"""What the pixels of files mean: each mode that Pillow opens, transparency, depth, orientation."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from scaling_search.core.errors import UserError
from scaling_search.core.pixel_rules import BY_DEFAULT, PLAIN, Ground, PixelRules
from scaling_search.data.decode import BROKEN, decode, inspect_image
from scaling_search.data.jpeg_header import jpeg_header
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest
from tests.data.conftest import disc, forget

SIDE = 64
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)


def ramp(top: float, kind: type[np.generic]) -> Image.Image:
    """Every level from 0 to `top`, row by row."""
    return Image.fromarray((RAMP * top).astype(kind))


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def levels(path: Path, rules: PixelRules = BY_DEFAULT, px: int = SIDE) -> NDArray[np.int64]:
    """A file's grey levels, px × px; all three colours must agree."""
    colour = decode(path, px, 3, rules).astype(np.int64)
    grey = decode(path, px, 1, rules).astype(np.int64)
    assert (colour == grey).all()
    first: npt.NDArray[np.int64] = grey[0]
    return first


def is_ramp(values: NDArray[np.int64]) -> bool:
    """Whether the levels are those of the ramp as 8-bit, to within rounding."""
    return bool(np.abs(values - 255 * RAMP).max() <= 1)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
def test_16_bit_grey_is_scaled_to_all_levels(tmp_path: Path, ending: str) -> None:
    values = levels(saved(ramp(65535, np.uint16), tmp_path / f"ramp.{ending}"))
    assert abs(values.mean() - 127.5) < 0.5
    assert is_ramp(values)


def test_16_bit_grey_of_the_other_byte_order_means_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ramp.tif"
    path.write_bytes(tiff(ramp_bytes := (RAMP * 65535).astype(">u2").tobytes(), bits=16, order=">"))
    assert len(ramp_bytes) == 2 * SIDE**2
    assert is_ramp(levels(path))


def tiff(
    pixels: bytes, *, bits: int, order: str = "<", white_is_zero: bool = False, signed: bool = False
) -> bytes:
    """A grey TIFF of SIDE × SIDE, uncompressed; what Pillow itself does not write."""
    tags = [(256, SIDE), (257, SIDE), (258, bits), (259, 1), (262, 0 if white_is_zero else 1)]
    tags += [(273, 8 + 2 + 10 * 12 + 4), (277, 1), (278, SIDE), (279, len(pixels))]
    tags += [(339, 2 if signed else 1)]
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    return head + struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + pixels


def test_a_tiff_of_12_bits_has_4095_for_white(tmp_path: Path) -> None:
    values = np.rint(RAMP * 4095).astype(np.uint32).reshape(-1, 2)
    packed = (values[:, 0] << 12 | values[:, 1]).astype(">u4")
    path = tmp_path / "ramp.tif"
    path.write_bytes(tiff(packed.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes(), bits=12))
    with Image.open(path) as image:
        assert image.getextrema() == (0, 4095)
    assert is_ramp(levels(path))


def test_where_a_tiff_says_that_white_is_zero_it_is_white(tmp_path: Path) -> None:
    path = tmp_path / "ramp.tif"
    path.write_bytes(tiff((RAMP * 65535).astype("<u2").tobytes(), bits=16, white_is_zero=True))
    assert is_ramp(255 - levels(path))


@pytest.mark.parametrize("ending", ["tif", "pfm"])
def test_floats_are_fractions_of_white(tmp_path: Path, ending: str) -> None:
    assert is_ramp(levels(saved(ramp(1, np.float32), tmp_path / f"ramp.{ending}")))


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (np.float32, 0, 255),
        (np.float32, -1024, 3071),
        (np.int32, 0, 65535),
        (np.int32, -1000, 100_000),
    ],
)
def test_values_that_nothing_explains_are_refused_with_the_range_to_say(
    tmp_path: Path, kind: type[np.generic], low: int, high: int
) -> None:
    image = Image.fromarray((low + RAMP * (high - low)).astype(kind))
    path = saved(image, tmp_path / "scan.tif")
    with pytest.raises(UserError, match=rf"scan\.tif .*say value_range = \[{low}, {high}\]") as no:
        decode(path, SIDE, 1)
    assert "\n" not in str(no.value)
    assert is_ramp(levels(path, PixelRules(value_range=(low, high))))


def test_unsigned_32_bit_values_beyond_the_signed_ones_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "ramp.tif"
    path.write_bytes(tiff((RAMP * 4e9).astype("<u4").tobytes(), bits=32))
    assert is_ramp(levels(path, PixelRules(value_range=(0, 4e9))))


def test_signed_8_bit_values_are_not_taken_for_unsigned_ones(tmp_path: Path) -> None:
    path = tmp_path / "ramp.tif"
    signed = (np.rint(255 * RAMP) - 128).astype(np.int8)
    path.write_bytes(tiff(signed.tobytes(), bits=8, signed=True))
    with pytest.raises(UserError, match="signed 8-bit values from -128 to 127"):
        decode(path, SIDE, 3)
    assert is_ramp(levels(path, PixelRules(value_range=(-128, 127))))
    assert inspect_image(path.read_bytes()).format != PLAIN


def test_of_16_bit_colour_the_upper_8_bits_are_taken_and_a_range_is_refused(
    tmp_path: Path,
) -> None:
    values = np.array([[[0x0000, 0x7FFF, 0xFF00]] * SIDE] * SIDE)
    deep = tmp_path / "deep.ppm"
    deep.write_bytes(b"P6 %d %d 65535\n" % (SIDE, SIDE) + values.astype(">u2").tobytes())
    assert decode(deep, SIDE, 3)[:, 0, 0].tolist() == [0, 127, 254]
    assert inspect_image(deep.read_bytes()).format.deep_colour
    with pytest.raises(UserError, match=r"16-bit colour.*save it as 16-bit grey or scaled to 8"):
        decode(deep, SIDE, 3, PixelRules(value_range=(0, 4095)))


@pytest.mark.parametrize("colours", [2, 3, 4])
def test_16_bit_colour_of_a_png_is_told_by_its_header(tmp_path: Path, colours: int) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    kind = {2: 4, 3: 2, 4: 6}[colours]
    row = b"\0" + bytes(2 * colours * SIDE)
    for bits, rows in ((16, row), (8, b"\0" + bytes(colours * SIDE))):
        header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
        data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows * SIDE))
        content = b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")
        assert inspect_image(content).format.deep_colour == (bits == 16)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, strange: float) -> None:
    values = RAMP.astype(np.float32)
    values[3, 3] = strange
    path = saved(Image.fromarray(values), tmp_path / "scan.tif")
    with pytest.raises(UserError, match=r"scan\.tif .*no finite numbers"):
        decode(path, SIDE, 1, PixelRules(value_range=(0, 1)))


def test_a_range_clips_what_lies_outside_and_may_be_turned_over(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, 1000, 3000, 9000]], np.uint16)), tmp_path / "x.png")
    with Image.open(path) as image:
        assert image.size == (4, 1)
    wide = saved(Image.fromarray(np.repeat([[0, 1000, 3000, 9000]], 4, 0).astype(np.uint16)), path)
    assert levels(wide, PixelRules(value_range=(1000, 3000)), 4)[0].tolist() == [0, 0, 255, 255]
    assert levels(wide, PixelRules(value_range=(3000, 1000)), 4)[0].tolist() == [255, 255, 0, 0]


def drawing(mode: str, ink: int) -> Image.Image:
    """A square of ink in the middle of a transparent ground, whose hidden colour is the ink's."""
    grey = Image.new("L", (SIDE, SIDE), ink)
    alpha = Image.new("L", (SIDE, SIDE), 0)
    alpha.paste(255, (16, 16, 48, 48))
    made = Image.merge("LA", (grey, alpha))
    return made if mode == "LA" else made.convert("RGBA").convert(mode)


@pytest.mark.parametrize("ending", ["png", "webp", "tif", "tga"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize(("ground", "level"), [("white", 255), ("black", 0), ("grey", 128)])
def test_transparency_is_laid_on_the_ground(
    tmp_path: Path, mode: str, ending: str, ground: Ground, level: int
) -> None:
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    path = saved(drawing(mode, 40), tmp_path / f"drawing.{ending}", **options)
    values = levels(path, PixelRules(ground))
    assert values[32, 32] == 40
    assert values[2, 2] == level


@pytest.mark.parametrize("ending", ["gif", "png"])
def test_a_transparent_colour_of_a_palette_is_laid_on_the_ground(
    tmp_path: Path, ending: str
) -> None:
    image = Image.new("P", (SIDE, SIDE), 0)
    image.putpalette([0, 0, 0, 0, 0, 0, 200, 200, 200])
    image.paste(1, (16, 16, 48, 48))
    path = saved(image, tmp_path / f"drawing.{ending}", transparency=0)
    values = levels(path)
    assert (values[32, 32], values[2, 2]) == (0, 255)  # black ink on white, not on black


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_transparent_grey_value_is_laid_on_the_ground(
    tmp_path: Path, kind: type[np.integer]
) -> None:
    values = np.zeros((SIDE, SIDE), kind)
    values[16:48, 16:48] = np.iinfo(kind).max // 2
    path = saved(Image.fromarray(values), tmp_path / "drawing.png", transparency=0)
    found = levels(path)
    assert (found[32, 32], found[2, 2]) == (127, 255)


def test_half_transparent_ink_is_mixed_with_the_ground(tmp_path: Path) -> None:
    path = saved(Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 51)), tmp_path / "veil.png")
    assert set(levels(path).ravel().tolist()) == {204}  # a fifth of black on white


@pytest.mark.parametrize(
    ("mode", "ending", "colour", "expected"),
    [
        ("1", "png", 1, (255, 255, 255)),
        ("L", "png", 77, (77, 77, 77)),
        ("P", "png", (10, 200, 30), (10, 200, 30)),
        ("CMYK", "tif", (0, 255, 255, 0), (255, 0, 0)),
        ("CMYK", "jpg", (0, 255, 255, 0), (254, 0, 0)),
        ("YCbCr", "tif", (76, 85, 255), (254, 0, 0)),
        ("LAB", "tif", (255, 128, 128), (255, 255, 255)),
        ("RGB", "bmp", (1, 2, 3), (1, 2, 3)),
    ],
)
def test_every_mode_of_8_bits_keeps_its_colour(
    tmp_path: Path, mode: str, ending: str, colour: Any, expected: tuple[int, ...]
) -> None:
    image = (
        Image.new("RGB", (SIDE, SIDE), colour).quantize(4)
        if mode == "P"
        else Image.new(mode, (SIDE, SIDE), colour)
    )
    path = saved(image, tmp_path / f"flat.{ending}")
    values = decode(path, SIDE, 3)[:, 9, 9]
    assert np.abs(values.astype(int) - expected).max() <= 2
    grey = decode(path, SIDE, 1)[0, 9, 9]
    assert abs(int(grey) - np.dot(expected, (0.299, 0.587, 0.114))) <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "opaque RGBA", "opaque LA"])
def test_what_is_plain_is_plain_and_decodes_as_pillow_converts(tmp_path: Path, mode: str) -> None:
    picture = disc(60, (SIDE, SIDE))
    image = picture.quantize(9) if mode == "P" else picture.convert(mode.split()[-1])
    path = saved(image, tmp_path / "plain.png")
    assert inspect_image(path.read_bytes()).format == PLAIN
    for channels, converted in ((3, "RGB"), (1, "L")):
        with Image.open(path) as opened:
            plain = np.asarray(opened.convert(converted)).reshape(SIDE, SIDE, channels)
        assert (decode(path, SIDE, channels) == plain.transpose(2, 0, 1)).all()


CORNERS = np.zeros((16, 24, 3), np.uint8)
CORNERS[:8, :12], CORNERS[:8, 12:], CORNERS[8:, :12] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
"""Red, green, blue and black corners, read from the top left."""

STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""How a camera that is held so stores what it sees."""


def turned(path: Path, orientation: int, **options: object) -> Path:
    """The corners as stored under an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.ascontiguousarray(STORED[orientation](CORNERS.repeat(4, 0).repeat(4, 1)))
    return saved(Image.fromarray(pixels), path, exif=exif, **options)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("px", [12, 48])  # a JPEG is decoded by Pillow, then by torchvision
def test_an_image_is_turned_upright(tmp_path: Path, ending: str, orientation: int, px: int) -> None:
    path = turned(tmp_path / f"corners.{ending}", orientation, quality=95)
    values = decode(path, px, 3).astype(int)
    near, far = px // 4, px - 1 - px // 4
    for row, column, colour in (
        (near, near, (255, 0, 0)),
        (near, far, (0, 255, 0)),
        (far, near, (0, 0, 255)),
        (far, far, (0, 0, 0)),
    ):
        assert np.abs(values[:, row, column] - colour).max() < 60, (row, column)


def test_16_bit_images_are_turned_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.rot90((RAMP * 65535).astype(np.uint16), 1)
    path = saved(Image.fromarray(np.ascontiguousarray(stored)), tmp_path / "ramp.png", exif=exif)
    assert is_ramp(levels(path))


@pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0no"])
def test_broken_exif_is_no_fault_of_the_image(tmp_path: Path, exif: bytes) -> None:
    path = saved(disc(60, (SIDE, SIDE)), tmp_path / "photo.jpg", exif=exif)
    assert inspect_image(path.read_bytes()).format == PLAIN
    assert decode(path, SIDE, 3).shape == (3, SIDE, SIDE)
    header = jpeg_header(memoryview(path.read_bytes()))
    assert header is not None
    assert header.has_exif


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photographs of phones: classes near and far, each with two files lying down."""
    root = tmp_path / "photos"
    for split in ("train", "test"):
        for kind in ("far", "near"):
            (root / split / kind).mkdir(parents=True)
            for number in range(4):
                turned(root / split / kind / f"{number}.jpg", 6 if number < 2 else 1)
    return root


def described(root: Path, **fields: Any) -> tuple[str, tuple[str, ...]]:
    """The fingerprint of a folder's images and what is said of their pixels."""
    forget()
    info = describe(DataRequest("imagefolder", root=str(root), **fields))
    others = ("are copies of", "for validation")
    notes = [note for note in info.notes if not any(other in note for other in others)]
    return info.fingerprint, tuple(notes)


def test_what_is_turned_is_said_and_trains_upright(photos: Path) -> None:
    _, notes = described(photos)
    assert notes == ("8 images turned upright as the EXIF orientation says",)
    split = load_split(DataRequest("imagefolder", root=str(photos)), "test", 16)
    images = split.fetch(torch.arange(len(split))).int()
    assert (images - images[3]).abs().max() < 60  # all show the same, however they are stored


def scans(root: Path, kind: type[np.generic], top: float, ending: str = "png") -> Path:
    """Noise from 0 to `top` in two classes."""
    noise = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("ill", "well"):
            (root / split / name).mkdir(parents=True)
            for number in range(4):
                values = (noise.random((SIDE, SIDE)) * top).astype(kind)
                saved(Image.fromarray(values), root / split / name / f"{number}.{ending}")
    return root


def test_16_bit_images_are_said_and_give_all_levels(tmp_path: Path) -> None:
    _, (said,) = described(scans(tmp_path / "scans", np.uint16, 65536))
    assert said.startswith("16 images of 16-bit values, ")
    assert said.endswith("scaled: 0 is black and 65535 white (value_range)")
    request = DataRequest("imagefolder", root=str(tmp_path / "scans"))
    split = load_split(request, "train", SIDE)
    assert abs(split.mean[0].item() - 0.5) < 0.01
    assert abs(split.std[0].item() - 12**-0.5) < 0.01  # of the uniform distribution


def test_12_bits_in_16_are_said_to_show_next_to_nothing_with_the_way_out(tmp_path: Path) -> None:
    root = scans(tmp_path / "scans", np.uint16, 1024)
    first, notes = described(root)
    shown = [note for note in notes if "show next to nothing" in note]
    assert [note.split()[1] for note in shown] == ["train", "validation", "test"]
    assert "value_range = [0, 102" in shown[0]
    second, notes = described(root, value_range=(0, 1023))
    assert second != first
    assert not [note for note in notes if "show next to nothing" in note]


def test_flat_images_are_said_to_show_next_to_nothing(tmp_path: Path) -> None:
    root = scans(tmp_path / "flat", np.uint8, 1)
    _, notes = described(root)
    assert "the train images show next to nothing: their pixels scatter by 0.0 of 255" in notes[0]


def test_white_on_transparent_ground_is_said_to_show_nothing_and_black_mends_it(
    tmp_path: Path,
) -> None:
    root = scans(tmp_path / "drawings", np.uint8, 1)
    for path in root.rglob("*.png"):
        drawing("RGBA", 255).save(path)
    _, notes = described(root)
    assert notes[0] == "16 images with transparency laid on white (ground)"
    assert 'try ground = "black"' in notes[1]
    _, notes = described(root, ground="black")
    assert notes == ("16 images with transparency laid on black (ground)",)


def test_a_value_without_meaning_is_named_before_training(tmp_path: Path) -> None:
    root = scans(tmp_path / "scans", np.float32, 4000, "tif")
    with pytest.raises(UserError, match="value_range = "):
        described(root)
    described(root, value_range=(0, 4000))


def test_a_rule_moves_only_the_fingerprints_of_the_files_that_it_changes(
    folder: Path, tmp_path: Path
) -> None:
    plain = described(folder)[0]
    assert described(folder, ground="black", value_range=(0, 9))[0] == plain
    drawings = scans(tmp_path / "drawings", np.uint8, 1)
    for path in drawings.rglob("*.png"):
        drawing("LA", 0).save(path)
    grounds = {described(drawings, ground=ground)[0] for ground in ("white", "black", "grey")}
    assert len(grounds) == 3


def test_said_outright_the_usual_range_is_the_same_range(tmp_path: Path) -> None:
    root = scans(tmp_path / "scans", np.uint16, 65536)
    assert described(root)[0] == described(root, value_range=(0, 65535))[0]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("ending", ["avif", "png", "jp2", "webp", "gif", "tif", "jpg"])
def test_a_file_damaged_anywhere_is_a_usual_error_of_its_format(
    tmp_path: Path, ending: str
) -> None:
    path = saved(disc(60, (SIDE, SIDE)), tmp_path / f"photo.{ending}")
    content, chance = path.read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(content)
        for at in chance.integers(0, min(len(content), 400), 5):
            damaged[at] = chance.integers(256)
        path.write_bytes(damaged)
        with suppress(UserError):
            assert decode(path, 8, 3).shape == (3, 8, 8)
        with suppress(*BROKEN):
            assert inspect_image(bytes(damaged)).width > 0


PLAIN_FINGERPRINT = "90b71290a8e578ba"


def test_the_fingerprint_of_plain_images_is_what_it_always_was(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("test", 2)):
        for kind, base in (("cat", 20), ("dog", 120)):
            (tmp_path / split / kind).mkdir(parents=True)
            for number in range(count):
                grey = bytes((base + 5 * number + column) % 256 for column in range(64))
                file = b"P5 8 8 255\n" + grey  # no encoder's version is in these bytes
                (tmp_path / split / kind / f"{number}.pgm").write_bytes(file)
                colour = b"P6 8 8 255\n" + grey * 3
                (tmp_path / split / kind / f"{number}.ppm").write_bytes(colour)
    assert described(tmp_path)[0] == PLAIN_FINGERPRINT


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ground": "pink"}, "ground must be one of white, black, grey, got 'pink'"),
        ({"value_range": (1.0, 1.0)}, "two different finite values"),
        ({"value_range": (0.0, float("inf"))}, "two different finite values"),
        ({"value_range": [0, 1, 2]}, "two different finite values, .*got \\[0, 1, 2\\]"),
        ({"name": "typefaces", "root": None, "ground": "black"}, "are for folders of images"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        DataRequest(**{"name": "imagefolder", "root": "photos", **fields})
