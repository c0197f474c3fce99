"""Networks with published weights as files of ours: what `export` writes of an address."""

from __future__ import annotations

from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.nets.model_card import Card
from scaling_search.pretrained.predictions import class_names
from scaling_search.pretrained.sources import Wish, pretrained


def exportable(address: str, wish: Wish) -> tuple[nn.Module, Card]:
    """The module of an address and a card that says how its weights see images.

    Raises UserError as `pretrained` does, and for a network that no table describes.
    """
    weighted = pretrained(address, wish)
    network, module, seen = weighted.network, weighted.module, weighted.seen
    if module is None or seen is None or not isinstance(network, Architecture):
        raise UserError(
            "what is exported of published weights is a network that `networks` lists, "
            f"got {address!r}: " + _way_out(weighted.weights)
        )
    names = class_names(weighted)
    sides = {"resize_px": seen.resize_px, "interpolation": seen.interpolation}
    return module, Card(network, names, seen.mean, seen.std, **sides)  # type: ignore[arg-type]


def _way_out(weights: str) -> str:
    if weights.endswith((".safetensors", ".onnx")):
        return "it is an exported file already"
    return "a run's is named by its directory, RUN NETWORK; timm exports its own"
