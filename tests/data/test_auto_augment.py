"""Automatic augmentations: torchvision's operations at torchvision's magnitudes, image by image."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torchvision.transforms import v2

from scaling_search.data.augment import (
    AUTO_DRAWS,
    AutoPolicy,
    Policy,
    augment,
    draws_per_image,
    uniforms,
)
from scaling_search.data.auto_augment import Operation, auto_augment, operations

POLICIES: tuple[AutoPolicy, ...] = tuple(name for name in get_args(AutoPolicy) if name != "none")
SIDE = 33


def images(n: int, channels: int = 3, side: int = SIDE) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, channels, side, side), generator=generator).to(torch.uint8)


def drawn_operations(policy: AutoPolicy, n: int) -> list[tuple[Operation, ...]]:
    rows = uniforms(0, 0, n, AUTO_DRAWS[policy]).tolist()
    return [operations(policy, row, SIDE) for row in rows]


def recorded(
    transform: v2.Transform, n: int, monkeypatch: pytest.MonkeyPatch
) -> list[list[Operation]]:
    """What torchvision's own transform does to n images."""
    plans: list[list[Operation]] = []

    def note(image: torch.Tensor, name: str, magnitude: float, **_: object) -> torch.Tensor:
        plans[-1].append((name, magnitude))
        return image

    monkeypatch.setattr(transform, "_apply_image_or_video_transform", note)
    torch.manual_seed(0)
    image = images(1)
    for _ in range(n):
        plans.append([])
        transform(image)
    return plans


@pytest.mark.parametrize(
    ("policy", "transform"),
    [
        ("autoaugment", v2.AutoAugment()),
        ("randaugment", v2.RandAugment()),
        ("trivialaugment", v2.TrivialAugmentWide()),
    ],
)
def test_operations_and_magnitudes_are_torchvisions_as_often(
    policy: AutoPolicy, transform: v2.Transform, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = 4000
    plans = [*recorded(transform, n, monkeypatch)]
    theirs = Counter(op for plan in plans for op in plan if op[0] != "Identity")
    ours = Counter(op for plan in drawn_operations(policy, n) for op in plan if op[0] != "Identity")
    for operation in theirs | ours:
        a, b = ours[operation], theirs[operation]
        assert abs(a - b) < 5 * math.sqrt(a + b + 1), operation


def rotated(image: torch.Tensor, magnitude: float) -> torch.Tensor:
    turned: torch.Tensor = v2.functional.rotate(image, angle=magnitude, fill=[9.0])
    return turned


def sheared(image: torch.Tensor, magnitude: float) -> torch.Tensor:
    degrees = math.degrees(math.atan(magnitude))
    moved: torch.Tensor = v2.functional.affine(
        image, 0.0, [0, 0], 1.0, [degrees, 0.0], center=[0, 0], fill=[9.0]
    )
    return moved


BY_HAND: dict[str, Callable[[torch.Tensor, float], torch.Tensor]] = {
    "ShearX": sheared,
    "Rotate": rotated,
    "Brightness": lambda image, m: v2.functional.adjust_brightness(image, 1 + m),
    "Color": lambda image, m: v2.functional.adjust_saturation(image, 1 + m),
    "Contrast": lambda image, m: v2.functional.adjust_contrast(image, 1 + m),
    "Posterize": lambda image, m: v2.functional.posterize(image, int(m)),
    "Solarize": lambda image, m: v2.functional.solarize(image, 255 * m),
    "Equalize": lambda image, _: v2.functional.equalize(image),
}


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_goes_through_its_own_operation(channels: int) -> None:
    n = 300
    batch, chance = images(n, channels), uniforms(0, 0, n, AUTO_DRAWS["trivialaugment"])
    made = auto_augment(batch, chance, "trivialaugment", [9] * channels)
    checked = Counter[str]()
    for image, ours, row in zip(batch, made, chance.tolist(), strict=True):
        ((name, magnitude),) = operations("trivialaugment", row, SIDE)
        if name in BY_HAND:
            assert torch.equal(ours, BY_HAND[name](image, magnitude)), name
            checked[name] += 1
    assert checked.keys() == BY_HAND.keys()


def test_without_colour_the_colour_operation_does_nothing() -> None:
    grey = images(2, channels=1)
    names = [operations("trivialaugment", (i / 14 + 0.01, 0.9, 0.9), SIDE)[0][0] for i in range(14)]
    row = [names.index("Color") / 14 + 0.01, 0.9, 0.9]
    assert torch.equal(auto_augment(grey, torch.tensor([row, row]), "trivialaugment", [0]), grey)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("own", ["none", "shift-flip", "random-resized-crop"])
@pytest.mark.parametrize("policy", POLICIES)
def test_an_image_is_changed_alike_in_any_batch(
    policy: AutoPolicy, own: Policy, channels: int
) -> None:
    batch, mean = images(24, channels), torch.full((channels,), 0.5)
    chance = uniforms(1, 2, 24, draws_per_image(own, policy))
    before = batch.clone()
    made = augment(batch, chance, own, mean, mean, policy)
    part = augment(batch[5:9], chance[5:9], own, mean, mean, policy)
    assert made.is_contiguous(memory_format=torch.channels_last)
    assert made.shape == batch.shape
    assert torch.equal(made[5:9], part)
    assert torch.equal(batch, before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("policy", POLICIES)
def test_the_device_changes_as_the_cpu_does(policy: AutoPolicy) -> None:
    batch, chance = images(24), uniforms(1, 2, 24, AUTO_DRAWS[policy])
    here = auto_augment(batch, chance, policy, [9, 9, 9]).int()
    there = auto_augment(batch.cuda(), chance, policy, [9, 9, 9]).cpu().int()
    assert ((there - here).abs() <= 1).float().mean() > 0.98
