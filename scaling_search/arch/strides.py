"""The stride policy: which early strides a network drops so that small images leave a map.

A network made for 224 px halves its map five times; images of 32 px would end as a single pixel.
The earliest strides go first, as in the usual networks for CIFAR: what lies behind them then sees
maps of the sides that it was designed for. Weights keep their shapes (a patch stem or patch of
ConvNeXt, whose kernel is its stride, excepted).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from scaling_search.arch import blocks
from scaling_search.arch.layers import output_px
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import require

LEAST_PX = 4


@dataclass(frozen=True)
class Dropped:
    """A stride that the policy lowers: where ("stem", "stage 2"), from what, to what."""

    place: str
    before: int
    after: int


@dataclass(frozen=True)
class Fitted:
    """A network made for a side: what was dropped, and the side of its last feature map."""

    architecture: Architecture
    dropped: tuple[Dropped, ...]
    last_px: int


def fit_strides(architecture: Architecture, side_px: int, least_px: int = LEAST_PX) -> Fitted:
    """The network for images of this side whose last map has `least_px` or more, if any can.

    Nothing is dropped that need not be. Raises UserError for sides below 1.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.strides import fit_strides
        >>> fitted = fit_strides(zoo.get("efficientnet-b0"), side_px=32)
        >>> [(each.place, each.before, each.after) for each in fitted.dropped], fitted.last_px
        ([('stem', 2, 1), ('stage 2', 2, 1)], 4)
    """
    require(side_px >= 1, "images need a side of at least 1 px", side_px)
    strides = (architecture.stem_stride, *(stage.stride for stage in architecture.stages))
    chosen = next(
        (
            candidate
            for candidate in _lowered(strides)
            if _last(architecture, candidate, side_px) >= least_px
        ),
        (1,) * len(strides),
    )
    fitted = replace(_with(architecture, chosen, side_px), name=architecture.name)
    places = ("stem", *(f"stage {number}" for number in range(1, len(strides))))
    changed = zip(places, strides, chosen, strict=True)
    dropped = tuple(Dropped(*change) for change in changed if change[1] != change[2])
    return Fitted(fitted, dropped, last_map_px(fitted))


def last_map_px(architecture: Architecture) -> int:
    """The side of the last feature map in pixels.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.strides import last_map_px
        >>> b0 = zoo.get("efficientnet-b0")
        >>> last_map_px(b0), last_map_px(b0.fitted(resolution_px=32))
        (7, 1)
    """
    a = architecture
    side_px = output_px(blocks.stem(a), a.resolution_px)
    for in_channels, stage in a.staged():
        side_px = output_px(blocks.block(stage, in_channels, stage.stride, a.style), side_px)
    return side_px


def small_map_warning(architecture: Architecture, least_px: int = LEAST_PX) -> str | None:
    """One line when the network ends below `least_px`, with what would help; None when it doesn't.

    Source of the limit: networks for CIFAR end at 4 px or more (arXiv 1512.03385, section 4.2).

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.arch.strides import small_map_warning
        >>> small_map_warning(zoo.get("resnet-18").fitted(resolution_px=32)).partition(": ")[2]
        'lower the strides of stem (4 to 1), or use larger images'
    """
    a = architecture
    last_px = last_map_px(a)
    if last_px >= least_px:
        return None
    fitted = fit_strides(a, a.resolution_px, least_px)
    reductions = ", ".join(f"{d.place} ({d.before} to {d.after})" for d in fitted.dropped)
    hint = (
        f"lower the strides of {reductions}, or use larger images"
        if reductions
        else "use larger images"
    )
    return (
        f"{a.name} ends in a map of {last_px} px for images of {a.resolution_px} px, "
        f"less than {least_px}: {hint}"
    )


def _last(architecture: Architecture, strides: tuple[int, ...], side_px: int) -> int:
    total = 1
    for stride in strides:
        total *= stride
    return last_map_px(_with(architecture, strides, side_px)) if total <= side_px else 0


def _lowered(strides: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The strides as they are, then with the earliest halved (an odd one dropped), and so on."""
    yield strides
    for index, stride in enumerate(strides):
        while stride > 1:
            stride = stride // 2 if stride % 2 == 0 else 1
            strides = (*strides[:index], stride, *strides[index + 1 :])
            yield strides


def _with(architecture: Architecture, strides: tuple[int, ...], side_px: int) -> Architecture:
    """The network with these strides of stem and stages, for images of this side."""
    a = architecture
    stem_stride, *stage_strides = strides
    stages = tuple(
        stage if stage.stride == stride else replace(stage, stride=stride)
        for stage, stride in zip(a.stages, stage_strides, strict=True)
    )
    return replace(
        a,
        stages=stages,
        stem_stride=stem_stride,
        # A pooling stem without strides has no pool; the kernel of a patch is its stride.
        stem="conv" if a.stem == "conv-pool" and stem_stride == 1 else a.stem,
        stem_kernel=stem_stride if a.stem == "patch" else a.stem_kernel,
        resolution_px=side_px,
    )
