"""Weights of one network in another that is deeper, wider or has other classes: what fits.

Tensors go by name. One of another size takes the leading slice, rows are outputs and columns
inputs: what was there sees nothing of the channels that are new, whose own weights stay fresh. A
residual block without weights begins as the identity. So the larger network computes what the
smaller one does, where `changes` knows of no reason against it; compare Net2Net, arXiv 1511.05641,
which splits old channels into equal ones instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from scaling_search.nets.modules import Residual
from scaling_search.nets.residuals import zero_branch
from scaling_search.nets.weights import StateDict

CLASSIFIER = "head.classifier."
"""The tensors of the layer that gives the logits begin like this."""
FIRST_LAYER = "stem.conv.weight"


@dataclass(frozen=True)
class Transfer:
    """By name, the tensors of a network that took others whole, in part, or not at all.

    `unused` are those that it has no place for.
    """

    whole: tuple[str, ...]
    part: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def words(self) -> str:
        """In words: 356 tensors whole, 4 in part, 2 fresh (head.classifier.bias, …)."""
        counts = [f"{len(self.whole)} tensors whole"]
        counts += [f"{len(self.part)} in part"] * bool(self.part)
        counts += [f"{len(self.fresh)} fresh ({_first_names(self.fresh)})"] * bool(self.fresh)
        counts += [f"{len(self.unused)} unused ({_first_names(self.unused)})"] * bool(self.unused)
        return ", ".join(counts)


@torch.no_grad()
def transfer(model: nn.Module, state: StateDict) -> Transfer:
    """Copy into the module of a table what fits of the state, and say what became of each tensor.

    The state has the names of our modules. A classifier for another number of classes begins at
    zero, so that the first steps don't undo what the layers before it know (BiT, arXiv 1912.11370);
    the first layer adds up colours for grey images, and shares a grey weight out among
    colours. Nothing is copied of a tensor with another kernel or number of axes.

    Examples:
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.transfer import transfer
        >>> source = build(zoo.get("micro"), num_classes=10)
        >>> transfer(build(zoo.get("micro"), num_classes=3), source.state_dict()).fresh
        ('head.classifier.weight', 'head.classifier.bias')
    """
    for name, module in model.named_modules():
        if isinstance(module, Residual) and not _any_below(f"{name}.", state):
            zero_branch(module)
    whole: list[str] = []
    part: list[str] = []
    fresh: list[str] = []
    for name, tensor in model.state_dict().items():
        fitted = _fitted(name, tensor, state[name]) if name in state else None
        if fitted is None and name in state and name.startswith(CLASSIFIER):
            tensor.zero_()
        if fitted is None:
            fresh.append(name)
            continue
        tensor.copy_(fitted)
        (whole if tensor.shape == state[name].shape else part).append(name)
    unused = sorted(set(state) - set(whole) - set(part) - set(fresh))
    return Transfer(tuple(whole), tuple(part), tuple(fresh), tuple(unused))


def _fitted(name: str, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor | None:
    """What our tensor becomes of theirs; None: it stays."""
    if ours.ndim != theirs.ndim or ours.shape[2:] != theirs.shape[2:]:
        return None
    if name.startswith(CLASSIFIER) and len(ours) != len(theirs):
        return None
    if name == FIRST_LAYER:
        theirs = for_channels(theirs, ours.shape[1])
    fitted = ours.clone()
    common = tuple(slice(min(sizes)) for sizes in zip(ours.shape, theirs.shape, strict=True))
    if ours.ndim > 1:  # what is new is not seen by what was there
        fitted[common[0], theirs.shape[1] :] = 0
    fitted[common] = theirs[common].to(ours)
    return fitted


def for_channels(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """The weight of a first layer (C × in × k × k) for images of other channels.

    Grey images are alike in all colours, so the sum over colours sees of them what colours did.
    """
    if weight.shape[1] == channels:
        return weight
    return weight.sum(1, keepdim=True).expand(-1, channels, -1, -1) / channels


def _any_below(prefix: str, state: StateDict) -> bool:
    return any(name.startswith(prefix) for name in state)


def _first_names(names: tuple[str, ...]) -> str:
    first = ", ".join(names[:2])
    return first if len(names) <= 2 else f"{first}, …"
