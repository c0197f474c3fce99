"""The EfficientNets: B0 to B7, Lite0 to Lite4, and B0 as tutorials simplify it."""

from __future__ import annotations

from dataclasses import replace

from scaling_search.arch.paper import officials
from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture, Stage

# B0 and its form for small images: what the official networks are grown from.
B0_FORMS = ("efficientnet-b0", "efficientnet-b0-small")


def mbconv(
    expansion: int, kernel: int, stride: int, channels: int, repeats: int, squeeze: float = 0.25
) -> Stage:
    """A stage of inverted bottlenecks, its numbers in the order of the paper's tables.

    Examples:
        >>> from scaling_search.arch.zoo_efficientnets import mbconv
        >>> stage = mbconv(6, 5, 2, 40, 2)
        >>> stage.expansion, stage.kernel, stage.stride, stage.channels, stage.repeats
        (6, 5, 2, 40, 2)
    """
    return Stage("mbconv", channels, repeats, kernel, stride, expansion, squeeze)


def efficientnets() -> tuple[Architecture, ...]:
    """B0 to B7 with their hand-picked multipliers.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_efficientnets import efficientnets
        >>> [round(count(network).params / 1e6, 1) for network in efficientnets()]
        [5.3, 7.8, 9.1, 12.2, 19.3, 30.4, 43.0, 66.3]
    """
    base = _b0()
    return tuple(
        replace(
            scale(base, Multipliers(o.depth, o.width, o.resolution_px / base.resolution_px)),
            name=f"efficientnet-{o.model}",
            dropout=o.dropout,
        )
        for o in officials()
    )


def _b0() -> Architecture:
    """Table 1 of arXiv 1905.11946; the batch norm of section 5.2."""
    return Architecture(
        name=B0_FORMS[0],
        stages=(
            mbconv(1, 3, 1, 16, 1),
            mbconv(6, 3, 2, 24, 2),
            mbconv(6, 5, 2, 40, 2),
            mbconv(6, 3, 2, 80, 3),
            mbconv(6, 5, 1, 112, 3),
            mbconv(6, 5, 2, 192, 4),
            mbconv(6, 3, 1, 320, 1),
        ),
        stem_channels=32,
        head_channels=1280,
        resolution_px=224,
        norm_eps=1e-3,
        norm_momentum=0.01,
        dropout=0.2,
    )


def small_b0() -> Architecture:
    """B0 for 32-px images: the strides of the stem and the second stage dropped, 4 px are left.

    Examples:
        >>> from scaling_search.arch.zoo_efficientnets import small_b0
        >>> small_b0().resolution_px, small_b0().total_stride
        (32, 8)
    """
    base = _b0()
    first, second, *later = base.stages
    return replace(
        base,
        name=B0_FORMS[1],
        stem_stride=1,
        stages=(first, replace(second, stride=1), *later),
        resolution_px=32,
    )


# Depth, width, px and dropout: efficientnet_lite_params of the official code.
_LITES = (
    (1.0, 1.0, 224, 0.2),
    (1.1, 1.0, 240, 0.2),
    (1.2, 1.1, 260, 0.3),
    (1.4, 1.2, 280, 0.3),
    (1.8, 1.4, 300, 0.3),
)


def lites() -> tuple[Architecture, ...]:
    """Lite0 to Lite4: no squeeze-excitation, ReLU6, the ends fixed; TensorFlow's padding.

    Examples:
        >>> from scaling_search import count
        >>> from scaling_search.arch.zoo_efficientnets import lites
        >>> [(lite.name[-5:], round(count(lite).macs / 1e6)) for lite in lites()][:2]
        [('lite0', 385), ('lite1', 600)]
    """
    return tuple(_lite(number, *numbers) for number, numbers in enumerate(_LITES))


def _lite(number: int, depth: float, width: float, px: int, dropout: float) -> Architecture:
    base = _b0()
    plain = [replace(stage, squeeze=0.0) for stage in base.stages]
    for end in (0, -1):
        plain[end] = replace(plain[end], fixed_repeats=True)
    lite = replace(
        base,
        stages=tuple(plain),
        activation="relu6",
        fixed_stem_and_head=True,
        same_padding=True,
        dropout=dropout,
    )
    scaled = scale(lite, Multipliers(depth, width, px / base.resolution_px))
    return replace(scaled, name=f"efficientnet-lite{number}")


def simplified_b0() -> Architecture:
    """The B0 of common tutorials: single 3×3 blocks, ReLU6, a wide squeeze, a stem of stride 1."""
    base = _b0()
    stages = tuple(
        replace(stage, kernel=3, repeats=1, squeeze_of="expanded", squeeze_activation="relu")
        for stage in base.stages
    )
    return replace(
        base,
        name="efficientnet-b0-simplified",
        stages=stages,
        stem_stride=1,
        activation="relu6",
        norm_eps=1e-5,
        norm_momentum=0.1,
    )
