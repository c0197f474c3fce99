"""What a network's stages see, for heads of detection and segmentation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require


@dataclass(frozen=True)
class FeatureMap:
    """One output of a feature network: what it is made by, its channels and its stride.

    `source` is "stem" or "stage 3". A side of s px becomes one of about s / `stride`, rounded as
    the network's paddings say; both sides need not be equal.
    """

    source: str
    channels: int
    stride: int


class FeatureNetwork(nn.Module):
    """The stem and the stages of a network; `maps` says what it gives, the finest map first."""

    def __init__(
        self, stem: nn.Module, stages: Iterable[nn.Module], chosen: dict[int, FeatureMap]
    ) -> None:
        super().__init__()
        last = max(chosen)
        self.stem = stem
        self.stages = nn.Sequential(*list(stages)[:last])
        self.maps = tuple(chosen.values())
        self._chosen = frozenset(chosen)

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels of each map."""
        return tuple(feature_map.channels for feature_map in self.maps)

    @property
    def strides(self) -> tuple[int, ...]:
        """How many image pixels, along one side, are one pixel of each map."""
        return tuple(feature_map.stride for feature_map in self.maps)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """B × in_channels × H × W to a map B × channels × H / stride × W / stride each."""
        output, outputs = self.stem(images), []
        for number, stage in enumerate((nn.Identity(), *self.stages)):
            output = stage(output)
            if number in self._chosen:
                outputs.append(output)
        return tuple(outputs)


def features(
    module: nn.Module, architecture: Architecture, strides: Iterable[int] | None = None
) -> FeatureNetwork:
    """The last output before each change of stride, and the last of all.

    `module` is the `build` of the architecture, with whatever weights; its head is left out, all
    else is shared with it, parameters and training mode among them. `strides` chooses maps (None:
    all). Raises UserError for a stride that the network does not have, and for a module without
    stem and stages.

    Examples:
        >>> import torch
        >>> from scaling_search import build, features
        >>> from scaling_search.arch import zoo
        >>> resnet = zoo.get("resnet-18")
        >>> pyramid = features(build(resnet), resnet)
        >>> pyramid.strides, pyramid.channels
        ((4, 8, 16, 32), (64, 128, 256, 512))
        >>> [tuple(each.shape) for each in pyramid(torch.zeros(1, 3, 64, 96))]
        [(1, 64, 16, 24), (1, 128, 8, 12), (1, 256, 4, 6), (1, 512, 2, 3)]
    """
    parts = dict(module.named_children())
    rule = "features are those of a network that build made of a table of stages"
    require({"stem", "stages"} <= parts.keys(), rule, type(module).__name__)
    maps = _maps(architecture)
    if strides is not None:
        chosen, available = (
            set(strides),
            ", ".join(str(feature_map.stride) for feature_map in maps.values()),
        )
        is_available = bool(chosen) and chosen <= {
            feature_map.stride for feature_map in maps.values()
        }
        require(is_available, f"strides must be of {available}", sorted(chosen))
        maps = {
            number: feature_map
            for number, feature_map in maps.items()
            if feature_map.stride in chosen
        }
    return FeatureNetwork(parts["stem"], cast(nn.Sequential, parts["stages"]), maps)


def _maps(architecture: Architecture) -> dict[int, FeatureMap]:
    """By number (0: the stem) what comes last at each stride."""
    stride, channels = architecture.stem_stride, architecture.stem_channels
    every = [FeatureMap("stem", channels, stride)]
    for number, stage in enumerate(architecture.stages, 1):
        stride *= stage.stride
        every.append(FeatureMap(f"stage {number}", stage.channels, stride))
    last = len(every) - 1
    ends = [number for number, (a, b) in enumerate(pairwise(every)) if a.stride != b.stride]
    return {number: every[number] for number in (*ends, last)}
