"""AutoAugment, RandAugment and TrivialAugment of a batch on its device, each image on its own.

torchvision's transforms draw one operation for all images of a batch. Here each image draws its
own; the images that drew the same operation and magnitude go through torchvision's kernel together.
Tables and kernels are torchvision's own, by names that it does not promise to keep:
`_AUGMENTATION_SPACE`, `_policies`, `_fill` and `_apply_image_or_video_transform`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, assert_never

import torch
from torchvision.transforms import v2

from scaling_search.data.augment import AutoPolicy
from scaling_search.data.transfer import PinnedConstants, to_device

Operation = tuple[str, float]
"""torchvision's name of what is done, and its signed magnitude (0 where it has none)."""

UNCHANGED: Operation = ("Identity", 0.0)
AUTO_BINS = 10  # AutoAugment's magnitudes, as torchvision's forward has it
RAND_OPERATIONS = 2


def auto_augment(
    images: torch.Tensor, draws: torch.Tensor, policy: AutoPolicy, fill: Sequence[int]
) -> torch.Tensor:
    """The images (uint8, B × 1 or 3 × H × W) changed as the policy and their draws say.

    `draws` is uniform in [0, 1), B × `AUTO_DRAWS[policy]`; `fill` (C) is what a movement uncovers.
    On one channel the colour operation does nothing, as in torchvision.
    """
    side = images.shape[-1]
    plans = [operations(policy, row, side) for row in draws.tolist()]
    if not plans:
        return images
    transform = _transform(policy, tuple(fill))
    for stage in zip(*plans, strict=True):
        images = _applied(images, stage, transform)
    return images


def operations(policy: AutoPolicy, draws: Sequence[float], side_px: int) -> tuple[Operation, ...]:
    """What is done to one image of `side_px`, in order, by its draws."""
    match policy:
        case "none":
            return ()
        case "autoaugment":
            return _autoaugment(draws, side_px)
        case "randaugment":
            bin_ = _transform(policy).magnitude
            pairs = [draws[2 * i : 2 * i + 2] for i in range(RAND_OPERATIONS)]
            return tuple(
                _drawn_operation(policy, side_px, which, bin_, sign) for which, sign in pairs
            )
        case "trivialaugment":
            which, size, sign = draws
            bin_ = int(size * _transform(policy).num_magnitude_bins)
            return (_drawn_operation(policy, side_px, which, bin_, sign),)
        case _:
            assert_never(policy)


def _autoaugment(draws: Sequence[float], side_px: int) -> tuple[Operation, ...]:
    policies = _transform("autoaugment")._policies
    chosen = policies[int(draws[0] * len(policies))]
    pairs = draws[1:3], draws[3:5]
    return tuple(
        _signed_operation("autoaugment", side_px, name, bin_ or 0, sign)
        if threshold_draw < chance
        else UNCHANGED
        for (name, chance, bin_), (threshold_draw, sign) in zip(chosen, pairs, strict=True)
    )


def _drawn_operation(
    policy: AutoPolicy, side_px: int, which: float, bin_: int, sign: float
) -> Operation:
    names = tuple(_space(policy, side_px))
    return _signed_operation(policy, side_px, names[int(which * len(names))], bin_, sign)


def _signed_operation(
    policy: AutoPolicy, side_px: int, name: str, bin_: int, sign: float
) -> Operation:
    magnitudes, signed = _space(policy, side_px)[name]
    if not magnitudes:
        return name, 0.0
    return name, -magnitudes[bin_] if signed and sign < 0.5 else magnitudes[bin_]


@cache
def _space(policy: AutoPolicy, side_px: int) -> dict[str, tuple[tuple[float, ...], bool]]:
    """The magnitudes of each operation (none: it has no such), and whether they have a sign."""
    transform = _transform(policy)
    bins = getattr(transform, "num_magnitude_bins", AUTO_BINS)
    space: dict[str, tuple[Callable[..., Any], bool]] = transform._AUGMENTATION_SPACE
    magnitudes = {
        name: (make(bins, side_px, side_px), sign) for name, (make, sign) in space.items()
    }
    return {
        name: (() if values is None else tuple(map(float, values)), sign)
        for name, (values, sign) in magnitudes.items()
    }


@cache
def _transform(policy: AutoPolicy, fill: tuple[int, ...] = (0,)) -> Any:
    classes: dict[AutoPolicy, type] = {
        "autoaugment": v2.AutoAugment,
        "randaugment": v2.RandAugment,
        "trivialaugment": v2.TrivialAugmentWide,
    }
    return classes[policy](fill=list(fill))


def _applied(images: torch.Tensor, chosen: Sequence[Operation], transform: Any) -> torch.Tensor:
    """Each image through its operation: one gather, a kernel for each group, one scatter."""
    groups: dict[Operation, list[int]] = {}
    for row, operation in enumerate(chosen):
        groups.setdefault(operation, []).append(row)
    order = torch.tensor([row for group in groups.values() for row in group])
    rows = to_device(order, images.device)
    parts = torch.split(images[rows], [len(group) for group in groups.values()])
    with PinnedConstants():
        changed = [
            transform._apply_image_or_video_transform(
                part, name, magnitude, interpolation=transform.interpolation, fill=transform._fill
            )
            for (name, magnitude), part in zip(groups, parts, strict=True)
        ]
    return torch.empty_like(images).index_copy_(0, rows, torch.cat(changed))
