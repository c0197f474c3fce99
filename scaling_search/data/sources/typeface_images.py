"""`typefaces`: which of 20 typefaces is this word set in? Drawn, a pure function of (seed, index).

The fonts are those that matplotlib ships. All geometry is relative to the side, and the noise has
one grain at every side, so an index is the same picture at any px. It is drawn at the smallest
tier 96 · 2^k that holds the px asked for, and shrunk from there by exact area averages.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from scaling_search.core import plotting
from scaling_search.data.cache import Images

FACES = (
    ("DejaVu Sans", "DejaVuSans"),
    ("DejaVu Sans Bold", "DejaVuSans-Bold"),
    ("DejaVu Sans Oblique", "DejaVuSans-Oblique"),
    ("DejaVu Sans Bold Oblique", "DejaVuSans-BoldOblique"),
    ("DejaVu Sans Mono", "DejaVuSansMono"),
    ("DejaVu Sans Mono Bold", "DejaVuSansMono-Bold"),
    ("DejaVu Sans Mono Oblique", "DejaVuSansMono-Oblique"),
    ("DejaVu Sans Mono Bold Oblique", "DejaVuSansMono-BoldOblique"),
    ("DejaVu Serif", "DejaVuSerif"),
    ("DejaVu Serif Bold", "DejaVuSerif-Bold"),
    ("DejaVu Serif Italic", "DejaVuSerif-Italic"),
    ("DejaVu Serif Bold Italic", "DejaVuSerif-BoldItalic"),
    ("STIX General", "STIXGeneral"),
    ("STIX General Bold", "STIXGeneralBol"),
    ("STIX General Italic", "STIXGeneralItalic"),
    ("STIX General Bold Italic", "STIXGeneralBolIta"),
    ("Computer Modern Roman", "cmr10"),
    ("Computer Modern Italic", "cmti10"),
    ("Computer Modern Sans", "cmss10"),
    ("Computer Modern Typewriter", "cmtt10"),
)
TYPEFACES = tuple(name for name, _ in FACES)

TIER_PX = 96
LARGEST_LETTERS_PX = 60  # of the letters of a narrow word, in pixels of the first tier
# Those of "hamburgefonstiv", by which typefaces are judged: they hold every stroke of an alphabet.
VOWELS, CONSONANTS = "aeiou", "bfghmnrstv"


def label(index: int) -> int:
    """The class of a picture: the faces take turns, so every run of 20 holds each once.

    Examples:
        >>> from scaling_search.data.sources.typeface_images import label
        >>> label(0), label(1)
        (0, 1)
    """
    return index % len(FACES)


def tier_px(px: int) -> int:
    """The smallest side 96 · 2^k that is at least `px`."""
    return TIER_PX << max(0, (px - 1) // TIER_PX).bit_length()


def render(seed: int, index: int, px: int) -> NDArray[np.uint8]:
    """The picture of an index, grey, px × px."""
    page: NDArray[np.uint8] = shrink(draw(seed, index, tier_px(px))[None, None], px)[0, 0]
    return page


def draw(seed: int, index: int, tier: int) -> NDArray[np.uint8]:
    """The picture of an index at the side of a tier, uint8 tier × tier.

    Plain elementwise arithmetic: no sines, no matrix products, whose last bits vary by processor.
    """
    rng = np.random.default_rng([seed, index])
    ink = _ink(rng, FACES[label(index)][1], tier).astype(np.float32) / np.float32(255)
    paper, contrast = rng.uniform(180, 230), -rng.uniform(110, 140)
    page = np.float32(paper) + np.float32(contrast) * ink + _noise(rng, tier)
    rounded: NDArray[np.uint8] = np.clip(page + np.float32(0.5), 0, 255).astype(np.uint8)
    return rounded


def shrink(images: Images, px: int) -> Images:
    """Bring uint8 images N × C × S × S to px × px: each pixel the mean of the area it covers."""
    side = images.shape[-1]
    if side == px:
        return images
    weights = area_weights(side, px)
    averaged = weights @ images.astype(np.float32) @ weights.T
    rounded: Images = (averaged + np.float32(0.5)).astype(np.uint8)
    return rounded


@functools.lru_cache(maxsize=32)
def area_weights(side: int, px: int) -> NDArray[np.float32]:
    """px × side: how much of each old pixel lies in each new one; every row sums to 1."""
    edges = np.arange(px + 1) * (side / px)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: NDArray[np.float32] = (np.clip(overlap, 0, None) * (px / side)).astype(np.float32)
    return weights


def word(rng: np.random.Generator) -> str:
    """Three or four letters, vowels and consonants in turn."""
    length, first = 3 + rng.integers(2), rng.integers(2)
    alphabets = [VOWELS if (position + first) % 2 else CONSONANTS for position in range(length)]
    picks = rng.integers(1 << 16, size=length)
    pairs = zip(alphabets, picks, strict=True)
    return "".join(alphabet[pick % len(alphabet)] for alphabet, pick in pairs)


def _ink(rng: np.random.Generator, face: str, tier: int) -> NDArray[np.uint8]:
    """The word as coverage 0..255, about as long as the picture is wide."""
    text, fill = word(rng), rng.uniform(0.95, 1.05)
    # The size is fixed at the first tier: rounded there, it is the same picture at every tier.
    reference = 32
    size = int(reference * fill * TIER_PX / _font(face, reference).getlength(text))
    font = _font(face, min(size, LARGEST_LETTERS_PX) * (tier // TIER_PX))
    page = Image.new("L", (tier, tier))
    ImageDraw.Draw(page).text((tier / 2, tier / 2), text, 255, font, anchor="mm")
    return np.asarray(page)


def _noise(rng: np.random.Generator, tier: int) -> NDArray[np.float32]:
    """Grain of the first tier's pixels, whatever the tier: averaging leaves it as it was."""
    coarse = rng.integers(0, 256, (2, TIER_PX, TIER_PX), dtype=np.uint8)
    strength = np.float32(rng.uniform(0.01, 0.02))
    grain: NDArray[np.float32] = (coarse[0].astype(np.float32) - coarse[1]) * strength
    repeat = tier // TIER_PX
    return grain if repeat == 1 else grain.repeat(repeat, 0).repeat(repeat, 1)


@functools.lru_cache(maxsize=2048)
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    path = Path(plotting.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf"
    # Basic layout: the other needs a library that not every Pillow has.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
