"""Weights of torchvision's EfficientNets in our modules."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from scaling_search.errors import UserError

# torchvision normalises B5 to B7, whose heads are this wide or wider, with the paper's epsilon, and
# B0 to B4 with torch's default. The weights are only right with the epsilon they were trained with.
WIDE_HEAD_CHANNELS = 2048
NARROW_EPS, WIDE_EPS = 1e-5, 1e-3

_LAYERS = {"conv": "0", "norm": "1", "reduce": "fc1", "expand": "fc2"}


def load_torchvision(model: nn.Module, state_dict: Mapping[str, torch.Tensor]) -> None:
    """Copy the state of torchvision's efficientnet_b0 to b7 into the `build` of the same network.

    Also sets the epsilon of the model's batch norms to torchvision's, so that both give the same
    logits. Raises UserError, before anything is copied, when the state is of another network.
    """
    ours = model.state_dict()
    names = {name: torchvision_name(name, ours) for name in ours}
    _require_same(ours, names, state_dict)
    model.load_state_dict({name: state_dict[theirs] for name, theirs in names.items()})
    wide = len(ours["head.norm.weight"]) >= WIDE_HEAD_CHANNELS
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = WIDE_EPS if wide else NARROW_EPS


def torchvision_name(name: str, ours: Mapping[str, torch.Tensor]) -> str:
    """What torchvision calls a tensor of our module; `ours` are the names of the whole module.

    `stages.1.0.body.depthwise.conv.weight` is `features.2.0.block.1.0.weight` there.
    """
    match name.split("."):
        case ["stem", layer, kind]:
            return f"features.0.{_LAYERS[layer]}.{kind}"
        case ["stages", stage, block, "body", part, layer, kind]:
            parts = ["expand", "depthwise", "squeeze", "project"]
            if f"stages.{stage}.{block}.body.expand.conv.weight" not in ours:
                parts.remove("expand")  # torchvision numbers what is there
            place = f"features.{int(stage) + 1}.{block}.block.{parts.index(part)}"
            return f"{place}.{_LAYERS[layer]}.{kind}"
        case ["head", "classifier", kind]:
            return f"classifier.1.{kind}"
        case ["head", layer, kind]:
            stages = {key.split(".")[1] for key in ours if key.startswith("stages.")}
            return f"features.{len(stages) + 1}.{_LAYERS[layer]}.{kind}"
        case _:
            raise UserError(f"torchvision's EfficientNets have nothing like {name!r}")


def _require_same(
    ours: Mapping[str, torch.Tensor],
    names: Mapping[str, str],
    theirs: Mapping[str, torch.Tensor],
) -> None:
    way_out = "build the network that the weights were saved from"
    strangers = sorted(set(names.values()) ^ set(theirs))
    if strangers:
        raise UserError(f"the weights are of another network, see {strangers[0]!r}: {way_out}")
    for name, other in names.items():
        if ours[name].shape != theirs[other].shape:
            wanted, got = tuple(ours[name].shape), tuple(theirs[other].shape)
            raise UserError(f"{other!r} must have shape {wanted}, got {got}: {way_out}")
