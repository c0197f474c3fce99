"""Base networks by name."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

from scaling_search.arch.spec import Architecture
from scaling_search.arch.zoo_backbones import backbones
from scaling_search.arch.zoo_efficientnets import (
    efficientnets,
    lites,
    mbconv,
    simplified_b0,
    small_b0,
)
from scaling_search.core.errors import UserError


def network_names() -> tuple[str, ...]:
    """The names that `get` knows.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> zoo.network_names()[:3]
        ('efficientnet-b0', 'efficientnet-b1', 'efficientnet-b2')
    """
    return tuple(_all())


def get(name: str) -> Architecture:
    """The network of this name; raises UserError with the nearest names for an unknown one.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> zoo.get("efficientnet-b7").resolution_px
        600
        >>> [stage.repeats for stage in zoo.get("efficientnet-b7").stages]
        [4, 7, 7, 10, 10, 13, 4]
    """
    try:
        return _all()[name]
    except KeyError:
        near = get_close_matches(name, network_names(), 1)
        hint = f"did you mean {near[0]}? " if near else ""
        names = ", ".join(network_names())
        raise UserError(f"unknown network {name!r}: {hint}known are {names}") from None


@cache
def _all() -> dict[str, Architecture]:
    every = (
        *efficientnets(),
        small_b0(),
        simplified_b0(),
        *lites(),
        *backbones(),
        _nano(),
        _micro(),
        _mini(),
    )
    return {a.name: a for a in every}


def _nano() -> Architecture:
    """A base that a CPU core trains in two seconds: grey images of 16 px, ends at 4 px.

    Three blocks, so that a few more of them help as much as wider or finer ones do; on maps this
    small each layer costs about as much to start as to compute. One repeat and two, rounded to the
    nearest, and channels in steps of 2 leave compound neighbours at a growth of 2.
    """
    return Architecture(
        name="nano",
        stages=(mbconv(2, 3, 1, 16, 1, squeeze=0), mbconv(2, 3, 2, 24, 2, squeeze=0)),
        stem_channels=16,
        head_channels=48,
        resolution_px=16,
        activation="relu",
        num_classes=20,
        in_channels=1,
        channel_divisor=2,
        repeats_rounding="nearest",
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
            mbconv(1, 3, 1, 8, 2, squeeze=0),
            mbconv(2, 3, 2, 16, 2, squeeze=0),
            mbconv(2, 3, 1, 24, 3, squeeze=0),
            mbconv(2, 3, 2, 48, 2, squeeze=0),
        ),
        stem_channels=16,
        head_channels=96,
        resolution_px=24,
        activation="relu",
        num_classes=20,
        in_channels=1,
    )


def _mini() -> Architecture:
    """A base for proxy trainings: B0's blocks in small, ends at 4 px for images of 32 px.

    Two or three repeats a stage, rounded to the nearest, and 24 channels or more in steps of 4, so
    that it has compound neighbours at a growth of 2; squeeze-excitation and a first stage without
    expansion as B0 has them, ReLU for its speed on a CPU. With `fit_strides` the stem keeps the
    side of images of 13 to 24 px.
    """
    return Architecture(
        name="mini",
        stages=(
            mbconv(1, 3, 1, 24, 2),
            mbconv(2, 3, 2, 32, 3),
            mbconv(2, 3, 2, 48, 3),
        ),
        stem_channels=24,
        head_channels=192,
        resolution_px=32,
        activation="relu",
        num_classes=10,
        channel_divisor=4,
        repeats_rounding="nearest",
    )
