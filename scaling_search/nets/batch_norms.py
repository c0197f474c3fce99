"""Batch norms that a batch leaves nothing to normalise by: one image, at a map of one pixel."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from scaling_search.arch.protocol import Network
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build


def check_batch_norms(network: Network, px: int, images: int, hint: str) -> None:
    """Raise UserError where steps of so many images at this side can't train the network.

    Examples:
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.batch_norms import check_batch_norms
        >>> check_batch_norms(zoo.get("nano"), 16, 1, "raise batch_size")
    """
    starved = None if images > 1 else starved_norm(network, px)
    if starved is not None:
        raise UserError(
            "in training a batch norm needs more than 1 value for each channel, got 1 image at a "
            f"time of {px} px, of which {starved!r} of {network.name} sees 1 px: {hint}"
        )


def starved_norm(network: Network, px: int) -> str | None:
    """The first batch norm, by its name, that sees one value a channel of a single image.

    Only those that training switches to the statistics of the batch count. No arithmetic is done:
    the network is built without weights. None too for a network that does not take such a side.
    """
    with torch.device("meta"):
        model = build(network)
    learning = {name for name, part in model.train().named_modules() if part.training}
    starved = list[str]()

    def looked_at(name: str) -> Any:
        def look(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            if inputs[0].numel() == inputs[0].shape[1]:
                starved.append(name)

        return look

    for name, part in model.eval().named_modules():
        if isinstance(part, _BatchNorm) and name in learning:
            part.register_forward_pre_hook(looked_at(name))
    with torch.no_grad(), suppress(RuntimeError):
        model(torch.empty(1, network.in_channels, px, px, device="meta"))
    return next(iter(starved), None)
