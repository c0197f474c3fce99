"""Tensors of a file in the module of a network, whoever named them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Literal

import torch
from torch import nn

from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.torchvision_names import Names, lite_names, torchvision_names
from scaling_search.nets.weights import load_torchvision

State = Mapping[str, torch.Tensor]
WeightsKind = Literal["own", "torchvision", "lite"]
"""Whose names tensors have."""
_COUNT = "num_batches_tracked"
_HEAD = "head.classifier.weight"
_OF_PARALLEL = "module."


def fit(network: Architecture, state: State) -> tuple[nn.Module, Architecture]:
    """The network's module with the tensors, and the network with as many classes as they have.

    Names may be ours, torchvision's or those of the Lite weights, with `module.` before them or
    not. Raises UserError, naming a tensor, for the tensors of another network.
    """
    state = _without_parallel_prefix(state)
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


def tensors_by_our_names(
    network: Architecture, state: State
) -> tuple[WeightsKind, dict[str, torch.Tensor]]:
    """Whose names the tensors have, and the tensors by ours, each with our number of axes.

    As `fit`, but some may be missing, of another size or strange: those keep their names. Raises
    UserError where fewer than half of the network's tensors are found.
    """
    state = _without_parallel_prefix(state)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in build(network).state_dict().items()}
    present = set(state)
    kind, names = max(_tables(list(shapes)), key=lambda table: len({*table[1].values()} & present))
    named = {
        name: _with_shape(state[theirs], shapes[name])
        for name, theirs in names.items()
        if theirs in present
    }
    strange = sorted(present - set(names.values()))
    counted = [name for name in shapes if not name.endswith(_COUNT)]
    fitting = [name for name in counted if name in named and named[name].shape == shapes[name]]
    if 2 * len(fitting) < len(counted):
        suspects = strange or sorted(set(named) - set(fitting)) or ["no tensors at all"]
        raise _other_network_error(network.name, suspects)
    return kind, {name: state[name] for name in strange} | named


def state_digest(state: State) -> str:
    """16 hexadecimal digits of the tensors, in the order of their names."""
    hashed = hashlib.sha256()
    for name in sorted(state):
        hashed.update(name.encode())
        hashed.update(
            state[name].detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
        )
    return hashed.hexdigest()[:16]


def _names(ours: list[str], state: State, network: str) -> tuple[WeightsKind, Names]:
    """Whose names the tensors have, and ours to theirs."""
    tables = _tables(ours)
    for kind, names in tables:
        if set(names.values()) == set(state):
            return kind, names
    nearest = min(tables, key=lambda table: len(set(table[1].values()) ^ set(state)))[1]
    raise _other_network_error(network, sorted(set(nearest.values()) ^ set(state)))


def _tables(ours: list[str]) -> list[tuple[WeightsKind, Names]]:
    """Our names to those of each library that has a network like this one, and to our own."""
    tables: list[tuple[WeightsKind, Names]] = [("own", {name: name for name in ours})]
    with suppress(UserError):
        tables.append(("torchvision", torchvision_names(ours)))
    with suppress(UserError):
        tables.append(("lite", lite_names(ours)))
    return tables


def _without_parallel_prefix(state: State) -> State:
    """The state without what DistributedDataParallel puts before its names."""
    if state and all(name.startswith(_OF_PARALLEL) for name in state):
        return {name.removeprefix(_OF_PARALLEL): tensor for name, tensor in state.items()}
    return state


def _with_shape(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """A linear layer's weight as that of a 1×1 convolution; what has another size stays."""
    return tensor.reshape(shape) if tensor.numel() == shape.numel() else tensor


def _other_network_error(network: str, strange: list[str]) -> UserError:
    return UserError(
        f"the weights must be those of {network}, got others (see {strange[0]!r}): "
        "name the network that they were saved from"
    )


def _require_shapes(names: Names, shapes: State, state: State) -> None:
    for name, theirs in names.items():
        if shapes[name].numel() != state[theirs].numel():
            expected, got = tuple(shapes[name].shape), tuple(state[theirs].shape)
            raise UserError(
                f"{theirs!r} must have shape {expected}, got {got}: "
                "name the network that the weights were saved from"
            )
