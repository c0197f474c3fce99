"""Base networks by name."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from functools import cache

from scaling_search.arch.published import officials
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture, Stage
from scaling_search.errors import UserError


def names() -> tuple[str, ...]:
    """The names that `get` knows."""
    return tuple(_all())


def get(name: str) -> Architecture:
    """The network of this name; raises UserError with the nearest names for an unknown one."""
    try:
        return _all()[name]
    except KeyError:
        near = get_close_matches(name, names(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        known = ", ".join(names())
        raise UserError(f"unknown network {name!r}: {hint}known are {known}") from None


@cache
def _all() -> dict[str, Architecture]:
    base = _efficientnet_b0()
    family = [
        replace(
            scale(base, Multipliers(o.depth, o.width, o.resolution_px / base.resolution_px)),
            name=f"efficientnet-{o.model}",
            dropout=o.dropout,
        )
        for o in officials()
    ]
    return {a.name: a for a in (*family, _efficientnet_b0_small(), _micro())}


def _mbconv(
    expansion: int, kernel: int, stride: int, channels: int, repeats: int, squeeze: float = 0.25
) -> Stage:
    return Stage("mbconv", channels, repeats, kernel, stride, expansion, squeeze)


def _efficientnet_b0() -> Architecture:
    """Table 1 of arXiv 1905.11946; the batch norm of section 5.2."""
    return Architecture(
        name="efficientnet-b0",
        stages=(
            _mbconv(1, 3, 1, 16, 1),
            _mbconv(6, 3, 2, 24, 2),
            _mbconv(6, 5, 2, 40, 2),
            _mbconv(6, 3, 2, 80, 3),
            _mbconv(6, 5, 1, 112, 3),
            _mbconv(6, 5, 2, 192, 4),
            _mbconv(6, 3, 1, 320, 1),
        ),
        stem_channels=32,
        head_channels=1280,
        resolution_px=224,
        norm_eps=1e-3,
        norm_momentum=0.01,
        dropout=0.2,
    )


def _efficientnet_b0_small() -> Architecture:
    """B0 for 32-px images: the strides of the stem and the second stage dropped, 4 px are left."""
    base = _efficientnet_b0()
    first, second, *others = base.stages
    return replace(
        base,
        name="efficientnet-b0-small",
        stem_stride=1,
        stages=(first, replace(second, stride=1), *others),
        resolution_px=32,
    )


def _micro() -> Architecture:
    """A base that two CPU cores train in seconds: grey images of 24 px, ends at 3 px.

    ReLU and no squeeze-excitation, for SiLU and that cost a CPU time out of proportion to their
    MACs. No stage has one repeat, which any depth above 1 would double. Repeats and channels are
    chosen so that depth and width each come in several steps up to a growth of 2, and depth alone
    comes close to 2 and 4.
    """
    return Architecture(
        name="micro",
        stages=(
            _mbconv(1, 3, 1, 8, 2, squeeze=0),
            _mbconv(2, 3, 2, 16, 2, squeeze=0),
            _mbconv(2, 3, 1, 24, 3, squeeze=0),
            _mbconv(2, 3, 2, 48, 2, squeeze=0),
        ),
        stem_channels=16,
        head_channels=96,
        resolution_px=24,
        activation="relu",
        num_classes=20,
        in_channels=1,
    )
