"""What the user should hear of images before anything is trained on them, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from scaling_search.core.pixel_rules import PixelFormat, PixelRules
from scaling_search.data.request import SplitName
from scaling_search.data.sources.base import Subset
from scaling_search.data.sources.folder_scan import printable

LEAST_CONTRAST = 5.0  # of 255; photographs have 50 to 70, thin drawings on white 20
FEWEST_IMAGES = 10  # of a class in validation: below, one image moves its accuracy by 10 points
SAMPLED_IMAGES, SAMPLED_PX = 32, 64


def format_remarks(formats: Sequence[PixelFormat], rules: PixelRules) -> Iterator[str]:
    """How many images are not plain 8-bit ones, and what was made of them."""
    turned = sum(format.turned for format in formats)
    if turned:
        yield f"{counted_images(turned)} turned upright as the EXIF orientation says"
    transparent = sum(format.transparent for format in formats)
    if transparent:
        yield f"{counted_images(transparent)} with transparency laid on {rules.ground} (ground)"
    upper = sum(format.deep_colour for format in formats)
    if upper:
        yield f"{counted_images(upper)} of 16-bit colour, of which the upper 8 bits are taken"
    for depth in sorted({format.depth for format in formats} - {"8-bit"}):
        deep = [format for format in formats if format.depth == depth]
        low, high = min(format.lowest for format in deep), max(format.highest for format in deep)
        black, white = rules.range_of(deep[0]) or (low, high)
        yield (
            f"{counted_images(len(deep))} of {depth} values, {low:.6g} to {high:.6g}, scaled: "
            f"{black:g} is black and {white:g} white (value_range)"
        )


def contrast_remarks(
    parts: Mapping[SplitName, Subset], formats: Sequence[PixelFormat]
) -> Iterator[str]:
    """Which splits show next to nothing, by a sample of their images, and what may help."""
    for split, part in parts.items():
        contrast = contrast_of(part)
        if contrast < LEAST_CONTRAST:
            yield (
                f"the {split} images show next to nothing: their pixels scatter by "
                f"{contrast:.1f} of 255; {_remedy(formats)}"
            )


def few_remarks(classes: Sequence[str], validation: Subset, held_out: bool) -> Iterator[str]:
    """Which class has too few validation images for a number of its own.

    `held_out`: they are a share of the training images, which may be made larger.
    """
    sizes = np.bincount(validation.labels, minlength=len(classes))
    smallest, few = int(sizes.argmin()), int((sizes < FEWEST_IMAGES).sum())
    if few:
        small_classes = f" ({few} classes have fewer than {FEWEST_IMAGES})" if few > 1 else ""
        yield (
            f"the smallest class, {printable(classes[smallest])}, has "
            f"{counted_images(int(sizes[smallest]))} for validation{small_classes}: what is said "
            f"of it hangs on single images; {'raise validation_fraction or ' * held_out}add images"
        )


def copies_remarks(contents: Mapping[SplitName, Sequence[str]]) -> Iterator[str]:
    """How many images of the other splits a network has seen in training, copy for copy."""
    trained = set(contents["train"])
    for split, of_split in contents.items():
        copies = sum(content in trained for content in of_split)
        if split != "train" and copies:
            yield (
                f"{copies:,} of {len(of_split):,} {split} images are copies of training images: "
                "their score is too good"
            )


def contrast_of(part: Subset) -> float:
    """The standard deviation over all pixels of a sample of a part, in levels of 0…255."""
    count = len(part.labels)
    sampled = np.linspace(0, count - 1, min(count, SAMPLED_IMAGES)).astype(np.int64)
    read = part.read(sampled, part.master_px(SAMPLED_PX) or SAMPLED_PX)
    return float(read.std(dtype=np.float64))


def counted_images(count: int) -> str:
    """So many images, in words."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def _remedy(formats: Sequence[PixelFormat]) -> str:
    deep = [format for format in formats if format.depth != "8-bit"]
    if deep:
        low, high = min(format.lowest for format in deep), max(format.highest for format in deep)
        return f"value_range = [{low:.6g}, {high:.6g}] under [data] would use all levels"
    if any(format.deep_colour for format in formats):
        return "16-bit colour must use its upper 8 bits: save it scaled to 8, or as 16-bit grey"
    if any(format.transparent for format in formats):
        return 'try ground = "black" under [data]'
    return "look at a few of them"
