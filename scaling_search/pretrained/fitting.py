"""Tensors of a file in the module of a network, whoever named them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress

import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.torchvision_names import Names, lite_names, torchvision_names
from scaling_search.nets.weights import load_torchvision

State = Mapping[str, torch.Tensor]
_HEAD = "head.classifier.weight"
_OF_PARALLEL = "module."


def fit(network: Architecture, state: State) -> tuple[nn.Module, Architecture]:
    """The network's module with the tensors, and the network with as many classes as they have.

    Names may be ours, torchvision's or those of the Lite weights, with `module.` before them or
    not. Raises UserError, naming a tensor, for the tensors of another network.
    """
    if state and all(name.startswith(_OF_PARALLEL) for name in state):
        state = {name.removeprefix(_OF_PARALLEL): tensor for name, tensor in state.items()}
    with torch.device("meta"):
        ours = list(build(network).state_dict())
    kind, names = _names(ours, state, network.name)
    sized = network.fitted(num_classes=len(state[names[_HEAD]]))
    module = build(sized)
    if kind == "torchvision":
        load_torchvision(module, state)
        return module.eval(), sized
    shapes = module.state_dict()
    _require_shapes(names, shapes, state)
    fitted = {name: state[theirs].reshape(shapes[name].shape) for name, theirs in names.items()}
    module.load_state_dict(fitted)
    return module.eval(), sized


def state_digest(state: State) -> str:
    """16 hexadecimal digits of the tensors, in the order of their names."""
    hashed = hashlib.sha256()
    for name in sorted(state):
        hashed.update(name.encode())
        hashed.update(
            state[name].detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
        )
    return hashed.hexdigest()[:16]


def _names(ours: list[str], state: State, network: str) -> tuple[str, Names]:
    """Whose names the tensors have, and ours to theirs."""
    tables: list[tuple[str, Names]] = [("own", {name: name for name in ours})]
    with suppress(UserError):
        tables.append(("torchvision", torchvision_names(ours)))
    with suppress(UserError):
        tables.append(("lite", lite_names(ours)))
    for kind, names in tables:
        if set(names.values()) == set(state):
            return kind, names
    nearest = min(tables, key=lambda table: len(set(table[1].values()) ^ set(state)))[1]
    strange = sorted(set(nearest.values()) ^ set(state))
    raise UserError(
        f"the weights must be those of {network}, got others (see {strange[0]!r}): "
        "name the network that they were saved from"
    )


def _require_shapes(names: Names, shapes: State, state: State) -> None:
    for name, theirs in names.items():
        if shapes[name].numel() != state[theirs].numel():
            wanted, got = tuple(shapes[name].shape), tuple(state[theirs].shape)
            raise UserError(
                f"{theirs!r} must have shape {wanted}, got {got}: "
                "name the network that the weights were saved from"
            )
