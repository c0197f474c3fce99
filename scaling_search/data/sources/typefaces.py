"""The pool of `typefaces`: pictures drawn when they are first needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scaling_search.core.errors import require
from scaling_search.data.cache import Images, Notify
from scaling_search.data.request import DataRequest
from scaling_search.data.sources import typeface_images
from scaling_search.data.sources.base import Dataset, fingerprint
from scaling_search.data.splitting import Indices

PICTURES_SEED = 0
TRAIN_DEFAULT, TEST_DEFAULT = 4_400, 2_000
LARGEST_SPLIT = 100_000
TEST_BEGINS = 1_000_000  # far beyond the training range, so that the two never meet


@dataclass(frozen=True, eq=False)
class DrawnPart:
    """Pictures by their index."""

    chosen: Indices
    labels: Indices
    digest: str
    channels: int = 1
    native_px: int = typeface_images.TIER_PX

    def master_px(self, px: int) -> int | None:
        """The tier at which the pictures are drawn."""
        return typeface_images.tier_px(px)

    def read(self, positions: Indices, px: int) -> Images:
        """The pictures at these positions, drawn at a tier."""
        pictures = [
            typeface_images.draw(PICTURES_SEED, int(index), px) for index in self.chosen[positions]
        ]
        return np.stack(pictures)[:, None]

    def resize(self, images: Images, px: int) -> Images:
        """By exact area averages."""
        return typeface_images.shrink(images, px)


@dataclass(frozen=True, eq=False)
class DrawnPool:
    """The pictures whose indices lie in a range."""

    begin: int
    labels: Indices

    def part(self, chosen: Indices) -> DrawnPart:
        """These pictures; nothing is drawn yet but a probe that tells renderers apart."""
        indices = chosen + self.begin
        digest = fingerprint(_probe(), indices.astype("<i8").tobytes())
        return DrawnPart(indices, self.labels[chosen], digest)


def typefaces_source(request: DataRequest, _report: Notify) -> Dataset:
    """As many pictures as are asked for, 4 400 and 2 000 by default, from disjoint ranges."""
    train, test = request.train_images or TRAIN_DEFAULT, request.test_images or TEST_DEFAULT
    for field, count in (("train_images", train), ("test_images", test)):
        require(
            count <= LARGEST_SPLIT, f"{field} of typefaces must not exceed {LARGEST_SPLIT}", count
        )
    return Dataset(typeface_images.TYPEFACES, _pool(0, train), _pool(TEST_BEGINS, test))


def _pool(begin: int, count: int) -> DrawnPool:
    labels = [typeface_images.label(index) for index in range(begin, begin + count)]
    return DrawnPool(begin, np.asarray(labels, np.int64))


def _probe() -> bytes:
    """Two pictures of each face: another font file or renderer shows in their bytes."""
    count = 2 * len(typeface_images.FACES)
    return b"".join(
        typeface_images.draw(PICTURES_SEED, i, typeface_images.TIER_PX).tobytes()
        for i in range(count)
    )
