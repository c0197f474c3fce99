"""The random resized crop: torchvision's, of a whole batch."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torchvision.transforms import v2

from scaling_search.data.augment import uniforms
from scaling_search.data.random_crop import boxes, random_resized_crop

DRAWS = 5


def images(n: int, channels: int, side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, channels, side, side), generator=generator).to(torch.uint8)


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 33)])
def test_each_image_is_what_torchvision_makes_of_its_own_box(channels: int, side: int) -> None:
    batch, draws = images(40, channels, side), uniforms(0, 0, 40, DRAWS)
    made = random_resized_crop(batch, draws)
    places = torch.stack(boxes(draws, side), dim=1).tolist()
    for image, ours, place, mirror in zip(batch, made, places, draws[:, 2] < 0.5, strict=True):
        top, left, height, width = place
        theirs = v2.functional.resized_crop(image, top, left, height, width, [side, side])
        theirs = theirs.flip(-1) if mirror else theirs
        # Half-way values may be rounded either way.
        assert (theirs.int() - ours.int()).abs().max() <= 1


def test_the_whole_image_at_the_largest_area_is_left_as_it_is() -> None:
    batch = images(1, 3, 16)
    draws = torch.tensor([[0.5, 0.5, 0.9, 1 - 2**-24, 0.5]])
    assert torch.equal(random_resized_crop(batch, draws), batch)


def test_boxes_lie_inside_and_are_spread_as_torchvisions() -> None:
    side, n = 1000, 4000
    top, left, height, width = boxes(uniforms(1, 0, n, DRAWS), side)
    assert min(top.min(), left.min()) >= 0
    assert (top + height).max() <= side
    assert (left + width).max() <= side
    torch.manual_seed(0)
    blank = torch.empty(1, side, side)
    transform = v2.RandomResizedCrop(side)
    theirs = [transform.make_params([blank]) for _ in range(n)]
    for ours, name in ((height, "height"), (width, "width"), (top, "top"), (left, "left")):
        expected = torch.tensor([float(box[name]) for box in theirs])
        for quantile in (0.1, 0.5, 0.9):
            a, b = ours.float().quantile(quantile), expected.quantile(quantile)
            assert abs(a - b) < 0.04 * side, (name, quantile)
    area, ratio = (height * width / side**2), (width / height)
    assert 0.07 < area.min() < 0.1
    assert math.isclose(ratio.log().mean(), 0, abs_tol=0.02)
    assert ratio.min() > 0.74
    assert ratio.max() < 1.35


def test_an_image_is_cropped_alike_in_any_batch() -> None:
    batch, draws = images(6, 3, 16), uniforms(1, 2, 6, DRAWS)
    made = random_resized_crop(batch, draws)
    assert torch.equal(random_resized_crop(batch[2:4], draws[2:4]), made[2:4])


class Here(TorchDispatchMode):
    """The shape of the largest tensor that is made on the CPU."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = torch.Size()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "cpu":
                self.largest = max(self.largest, leaf.shape, key=lambda shape: shape.numel())
        return made


def test_where_each_pixel_comes_from_is_spread_out_on_the_device() -> None:
    # A device that computes nothing stands in for a GPU: copies to it are the same calls.
    count, side = 16, 64
    there = torch.empty(count, 3, side, side, dtype=torch.uint8, device="meta")
    draws = uniforms(0, 0, count, DRAWS)
    boxes(draws, side)  # its table has an axis of its own
    with Here() as here:
        made = random_resized_crop(there, draws)
    assert made.shape == there.shape
    assert here.largest == (count, side)  # rows or columns, and not count × side × side of both


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_device_crops_as_the_cpu_does_and_is_not_waited_for() -> None:
    batch, draws = images(32, 3, 33), uniforms(0, 0, 32, DRAWS)
    expected = random_resized_crop(batch, draws).int()
    there = batch.cuda()
    random_resized_crop(there, draws)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        made = random_resized_crop(there, draws)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    # Half-way values may be rounded either way.
    assert (made.cpu().int() - expected).abs().max() <= 1
