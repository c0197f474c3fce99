"""What each published set of weights expects of an image: one table, and how it is followed.

The shorter side is resized to `resize_px`, the middle of `crop_px` is cut out, and each channel is
normalised. torchvision's rows are its weights' own metadata (`Weights.transforms()`, with the
accuracies that it states, in percent); those of the Lites are their authors' evaluation: a crop of
px / (px + 32), bicubic (CROP_PADDING in the official preprocessing code), (x - 127) / 128.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Literal, get_args

import torch
from PIL import Image

from scaling_search.core.errors import UserError, require
from scaling_search.core.pixel_rules import BY_DEFAULT
from scaling_search.data.decode import BROKEN, undecodable
from scaling_search.data.pixels import eight_bit
from scaling_search.data.sources.base import UnusableFilesError
from scaling_search.nets.weights import LITE_MEAN, LITE_STD

Interpolation = Literal["bilinear", "bicubic"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)
Channels = tuple[float, float, float]

TABLE = """\
source,network,model,weights,resize_px,crop_px,interpolation,normalisation,top1,top5
torchvision,efficientnet-b0,efficientnet_b0,IMAGENET1K_V1,256,224,bicubic,imagenet,77.692,93.532
torchvision,efficientnet-b1,efficientnet_b1,IMAGENET1K_V1,256,240,bicubic,imagenet,78.642,94.186
torchvision,efficientnet-b1,efficientnet_b1,IMAGENET1K_V2,255,240,bilinear,imagenet,79.838,94.934
torchvision,efficientnet-b2,efficientnet_b2,IMAGENET1K_V1,288,288,bicubic,imagenet,80.608,95.31
torchvision,efficientnet-b3,efficientnet_b3,IMAGENET1K_V1,320,300,bicubic,imagenet,82.008,96.054
torchvision,efficientnet-b4,efficientnet_b4,IMAGENET1K_V1,384,380,bicubic,imagenet,83.384,96.594
torchvision,efficientnet-b5,efficientnet_b5,IMAGENET1K_V1,456,456,bicubic,imagenet,83.444,96.628
torchvision,efficientnet-b6,efficientnet_b6,IMAGENET1K_V1,528,528,bicubic,imagenet,84.008,96.916
torchvision,efficientnet-b7,efficientnet_b7,IMAGENET1K_V1,600,600,bicubic,imagenet,84.122,96.908
torchvision,mobilenet-v2,mobilenet_v2,IMAGENET1K_V1,256,224,bilinear,imagenet,71.878,90.286
torchvision,mobilenet-v2,mobilenet_v2,IMAGENET1K_V2,232,224,bilinear,imagenet,72.154,90.822
torchvision,resnet-18,resnet18,IMAGENET1K_V1,256,224,bilinear,imagenet,69.758,89.078
torchvision,resnet-34,resnet34,IMAGENET1K_V1,256,224,bilinear,imagenet,73.314,91.42
torchvision,resnet-50,resnet50,IMAGENET1K_V1,256,224,bilinear,imagenet,76.13,92.862
torchvision,resnet-50,resnet50,IMAGENET1K_V2,232,224,bilinear,imagenet,80.858,95.434
torchvision,regnety-400mf,regnet_y_400mf,IMAGENET1K_V1,256,224,bilinear,imagenet,74.046,91.716
torchvision,regnety-400mf,regnet_y_400mf,IMAGENET1K_V2,232,224,bilinear,imagenet,75.804,92.742
torchvision,convnext-tiny,convnext_tiny,IMAGENET1K_V1,236,224,bilinear,imagenet,82.52,96.146
lite,efficientnet-lite0,efficientnet-lite0,LITE,256,224,bicubic,half,,
lite,efficientnet-lite1,efficientnet-lite1,LITE,272,240,bicubic,half,,
lite,efficientnet-lite2,efficientnet-lite2,LITE,292,260,bicubic,half,,
lite,efficientnet-lite3,efficientnet-lite3,LITE,312,280,bicubic,half,,
lite,efficientnet-lite4,efficientnet-lite4,LITE,332,300,bicubic,half,,
"""
NORMALISATIONS: dict[str, tuple[Channels, Channels]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((LITE_MEAN,) * 3, (LITE_STD,) * 3),
}
"""Mean and standard deviation of each channel, of values from 0 to 1."""


@dataclass(frozen=True)
class Preprocessing:
    """From an image to what a network takes; raises UserError for sides that can't be."""

    resize_px: int
    crop_px: int
    interpolation: Interpolation
    mean: Channels
    std: Channels

    def __post_init__(self) -> None:
        """Raise UserError for a value outside its range."""
        rule = f"interpolation must be one of {', '.join(INTERPOLATIONS)}"
        require(self.interpolation in INTERPOLATIONS, rule, self.interpolation)
        rule = f"an image is cut from one at least as large, of {self.resize_px} px"
        require(1 <= self.crop_px <= self.resize_px, rule, self.crop_px, "lower --px")

    @property
    def crop_share(self) -> float:
        """The side that is cut out, as a share of the resized one."""
        return self.crop_px / self.resize_px

    @property
    def words(self) -> str:
        """In words: 256 px, bicubic, the middle 224 px."""
        return f"{self.resize_px} px, {self.interpolation}, the middle {self.crop_px} px"

    def at(
        self, px: int | None = None, share: float | None = None, interpolation: str | None = None
    ) -> Preprocessing:
        """The same with another side, crop share or interpolation; None stays as it is."""
        crop_share = self.crop_share if share is None else share
        require(0 < crop_share <= 1, "a crop share must lie in (0, 1]", crop_share)
        method = next((name for name in INTERPOLATIONS if name == interpolation), None)
        rule = f"interpolation must be one of {', '.join(INTERPOLATIONS)}"
        require(interpolation is None or method is not None, rule, interpolation)
        crop_px = px or self.crop_px
        if px is None and share is None:
            return replace(self, interpolation=method or self.interpolation)
        return replace(
            self,
            resize_px=round(crop_px / crop_share),
            crop_px=crop_px,
            interpolation=method or self.interpolation,
        )

    def read(self, path: Path) -> torch.Tensor:
        """The file as float32 3 × px × px; raises UserError naming a file that can't be decoded.

        Upright, as everywhere here; torchvision's own evaluation passes an EXIF orientation over.
        """
        try:
            with Image.open(path) as image:
                pixels = Image.fromarray(eight_bit(image, 3, BY_DEFAULT))
        except BROKEN as error:
            raise UnusableFilesError([undecodable(path, error)]) from error
        return self.of(pixels)

    def of(self, pixels: Image.Image) -> torch.Tensor:
        """An RGB image as float32 3 × px × px."""
        # Of the first version, as the presets of torchvision's weights are: the second rounds
        # otherwise. It takes a second to import: only who has images waits.
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms import functional as transforms

        method = InterpolationMode(self.interpolation)
        resized = transforms.resize(pixels, [self.resize_px], interpolation=method, antialias=True)
        middle = transforms.center_crop(resized, [self.crop_px, self.crop_px])
        fractions = transforms.convert_image_dtype(transforms.pil_to_tensor(middle), torch.float)
        tensor: torch.Tensor = transforms.normalize(fractions, list(self.mean), list(self.std))
        return tensor


@dataclass(frozen=True)
class PublishedWeights:
    """A row of the table: whose weights of which network, and what they are said to reach.

    `model` is the network's name at its source; `top1` and `top5` are percent on ImageNet's
    validation images, None where the source doesn't say.
    """

    source: str
    network: str
    model: str
    weights: str
    preprocessing: Preprocessing
    top1: float | None
    top5: float | None


@cache
def published_weights() -> tuple[PublishedWeights, ...]:
    """The table, a row a set of weights.

    Examples:
        >>> from scaling_search.pretrained.preprocessing import published_weights
        >>> b0 = published_weights()[0]
        >>> b0.network, b0.weights, b0.top1
        ('efficientnet-b0', 'IMAGENET1K_V1', 77.692)
    """
    return tuple(_row(line) for line in csv.DictReader(StringIO(TABLE)))


def row_of(network: str, weights: str | None = None) -> PublishedWeights:
    """The row of a network's weights, the first where they aren't named.

    Raises UserError naming what there is.

    Examples:
        >>> from scaling_search.pretrained.preprocessing import row_of
        >>> row_of("resnet-50").weights, row_of("resnet-50", "IMAGENET1K_V1").top1
        ('IMAGENET1K_V1', 76.13)
    """
    named = [row for row in published_weights() if row.network == network]
    if not named:
        networks = ", ".join(dict.fromkeys(row.network for row in published_weights()))
        raise UserError(f"there are published weights of {networks}, got {network!r}")
    for row in named:
        if weights in (None, row.weights):
            return row
    names = " or ".join(row.weights for row in named)
    raise UserError(f"the published weights of {network} are {names}, got {weights!r}")


def _row(line: dict[str, str]) -> PublishedWeights:
    method = next(name for name in INTERPOLATIONS if name == line["interpolation"])
    sides = (int(line["resize_px"]), int(line["crop_px"]))
    return PublishedWeights(
        line["source"],
        line["network"],
        line["model"],
        line["weights"],
        Preprocessing(*sides, method, *NORMALISATIONS[line["normalisation"]]),
        *(float(line[name]) if line[name] else None for name in ("top1", "top5")),
    )
