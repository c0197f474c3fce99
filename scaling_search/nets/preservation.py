"""Whether a network that took another's weights computes what the other does, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scaling_search.arch.spec import Architecture, Stage

_IDEMPOTENT = ("relu", "relu6")  # applied twice they do what they do once


def changes(source: Architecture, target: Architecture) -> tuple[str, ...]:
    """Why the target with the source's weights (`transfer`) gives other features at the same side.

    Empty: before it is trained it gives the classifier the source's features, beside new ones that
    the classifier does not see yet. Squeeze-excitation is no reason, for it weighs old channels by
    old ones alone; layer norms are, for they take the mean over all. Sides, dropout and classes
    are left aside, since no features depend on them alone.

    Examples:
        >>> from scaling_search import Multipliers, scale
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.preservation import changes
        >>> b0, convnext = zoo.get("efficientnet-b0"), zoo.get("convnext-tiny")
        >>> changes(b0, scale(b0, Multipliers(depth=1.4, width=1.2)))
        ()
        >>> changes(convnext, scale(convnext, Multipliers(width=1.2)))
        ('layer norms see new channels',)
    """
    return tuple(dict.fromkeys(_each_change(source, target)))


def _each_change(source: Architecture, target: Architecture) -> Iterator[str]:
    if len(source.stages) != len(target.stages) or _kind(source) != _kind(target):
        yield "its layers are of another kind"
        return
    if source.in_channels != target.in_channels:
        yield "its images have other channels"
    ends = (
        (source.stem_channels, target.stem_channels),
        (source.head_channels, target.head_channels),
    )
    stages = list(zip(source.stages, target.stages, strict=True))
    widths = [*ends, *((s.channels, t.channels) for s, t in stages)]
    if any(theirs > ours for theirs, ours in widths):
        yield "it is narrower"
    if target.norm == "layer" and any(theirs < ours for theirs, ours in widths):
        yield "layer norms see new channels"
    for theirs, ours in stages:
        if ours.repeats < theirs.repeats:
            yield "it has fewer blocks"
        elif ours.repeats > theirs.repeats:
            yield from _identity_obstacles(ours, target)


def _identity_obstacles(stage: Stage, network: Architecture) -> Iterator[str]:
    """Why a block that is added to the stage can't begin as the identity."""
    if stage.block == "separable":
        yield "a separable block has no shortcut, so it begins at random"
    if stage.block in ("basic", "bottleneck") and network.activation not in _IDEMPOTENT:
        yield f"a block that ends with {network.activation} is not the identity"


def _kind(network: Architecture) -> Architecture:
    """What two networks of one family have in common: all but sizes, sides and classes."""
    stages = tuple(replace(s, channels=1, repeats=1, fixed_repeats=False) for s in network.stages)
    return replace(
        network,
        stages=stages,
        stem_channels=1,
        head_channels=min(network.head_channels, 1),
        in_channels=1,
        num_classes=1,
        dropout=0.0,
        resolution_px=network.total_stride,
        norm_momentum=0.1,
        fixed_stem_and_head=False,
    )
