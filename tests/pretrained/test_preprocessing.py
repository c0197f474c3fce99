"""The table of preprocessing is torchvision's metadata, and followed to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torchvision.models import get_model_weights

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.data.sources.base import UnusableFilesError
from scaling_search.pretrained.preprocessing import PublishedWeights, published_weights, row_of

TORCHVISIONS = [row for row in published_weights() if row.source == "torchvision"]


def named(row: PublishedWeights) -> str:
    return f"{row.network}-{row.weights}"


@pytest.mark.parametrize("row", TORCHVISIONS, ids=named)
def test_a_row_is_what_torchvision_says_of_its_weights(row: PublishedWeights) -> None:
    weights = get_model_weights(row.model)[row.weights]
    theirs, ours = weights.transforms(), row.preprocessing
    assert [ours.resize_px] == theirs.resize_size
    assert [ours.crop_px] == theirs.crop_size
    assert ours.interpolation == theirs.interpolation.value
    assert (list(ours.mean), list(ours.std)) == (theirs.mean, theirs.std)
    stated = weights.meta["_metrics"]["ImageNet-1K"]
    assert (row.top1, row.top5) == (stated["acc@1"], stated["acc@5"])


def test_all_of_torchvisions_weights_of_a_network_are_in_the_table() -> None:
    for network in {row.network: row.model for row in TORCHVISIONS}.items():
        table = {row.weights for row in TORCHVISIONS if row.network == network[0]}
        on_imagenet = {w.name for w in get_model_weights(network[1]) if "SWAG" not in w.name}
        assert table == on_imagenet


def test_every_network_of_the_table_is_in_the_zoo() -> None:
    assert {row.network for row in published_weights()} <= set(zoo.network_names())


@pytest.mark.parametrize("row", TORCHVISIONS, ids=named)
def test_images_are_torchvisions_to_the_bit(row: PublishedWeights, photographs: Path) -> None:
    theirs = get_model_weights(row.model)[row.weights].transforms()
    for path in sorted(photographs.glob("val/*/*")):
        with Image.open(path) as image:
            expected = theirs(image.convert("RGB"))
        assert torch.equal(row.preprocessing.read(path), expected)


@pytest.mark.parametrize("number", range(5))
def test_a_lite_sees_the_middle_of_32_px_more_from_minus_to_plus_one(number: int) -> None:
    network = zoo.get(f"efficientnet-lite{number}")
    seen = row_of(network.name).preprocessing
    assert (seen.crop_px, seen.resize_px) == (network.resolution_px, network.resolution_px + 32)
    white, black = (seen.of(Image.new("RGB", (300, 400), value)) for value in ("white", "black"))
    assert list(set(white.flatten().tolist())) == pytest.approx([(255 - 127) / 128])
    assert list(set(black.flatten().tolist())) == pytest.approx([-127 / 128])


def test_another_side_keeps_the_crop_share() -> None:
    seen = row_of("resnet-50").preprocessing.at(px=112)
    assert (seen.resize_px, seen.crop_px, seen.interpolation) == (128, 112, "bilinear")
    whole = row_of("resnet-50").preprocessing.at(share=1.0, interpolation="bicubic")
    assert (whole.resize_px, whole.crop_px, whole.interpolation) == (224, 224, "bicubic")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"share": 1.5}, r"a crop share must lie in \(0, 1\], got 1.5"),
        ({"interpolation": "cubic"}, "interpolation must be one of bilinear, bicubic"),
        ({"px": -8}, "cut from one at least as large"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(UserError, match=rule):
        row_of("resnet-50").preprocessing.at(**change)


def test_unknown_weights_are_refused_with_what_there_is() -> None:
    with pytest.raises(UserError, match="of resnet-50 are IMAGENET1K_V1 or IMAGENET1K_V2, got 'V'"):
        row_of("resnet-50", "V")
    with pytest.raises(UserError, match=r"published weights of efficientnet-b0, .*, got 'micro'"):
        row_of("micro")


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "torn.jpg"
    path.write_bytes(b"\xff\xd8\xff nothing more")
    with pytest.raises(UnusableFilesError, match=r"torn\.jpg must be an image"):
        row_of("resnet-50").preprocessing.read(path)
