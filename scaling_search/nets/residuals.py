"""How residual branches begin, and how much each of them counts in a network of many."""

from __future__ import annotations

import math

import torch
from torch import nn

from scaling_search.nets.modules import Residual


def zero_branches(model: nn.Module) -> None:
    """Let every residual branch begin as nothing: the scale of the norm that ends it becomes 0.

    A branch that ends in a layer scale (ConvNeXt's) begins at next to nothing already, and stays as
    it is. Source: arXiv 1706.02677, section 5.1.

    Examples:
        >>> import torch
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.modules import Residual
        >>> from scaling_search.nets.residuals import zero_branches
        >>> model = build(zoo.get("nano")).eval()
        >>> zero_branches(model)
        >>> branch = next(each for each in model.modules() if isinstance(each, Residual))
        >>> maps = torch.ones(1, 16, 8, 8)
        >>> branch(maps).equal(maps)
        True
    """
    for residual in _residuals(model):
        last = _last(residual.body)
        if isinstance(last, nn.BatchNorm2d | nn.LayerNorm):
            nn.init.zeros_(last.weight)


def zero_branch(residual: Residual) -> None:
    """Let a branch begin as nothing at all, whether a norm ends it or a layer scale."""
    last = _last(residual.body)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)


def scale_branches(model: nn.Module) -> None:
    """Multiply each branch of the L residual blocks by 1/√L (arXiv 2309.16620, section 3).

    Examples:
        >>> from scaling_search import build
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.nets.modules import Residual
        >>> from scaling_search.nets.residuals import scale_branches
        >>> model = build(zoo.get("resnet-50"))
        >>> scale_branches(model)
        >>> {each.branch_scale for each in model.modules() if isinstance(each, Residual)}
        {0.25}
    """
    residuals = _residuals(model)
    for residual in residuals:
        residual.branch_scale = 1 / math.sqrt(len(residuals))


@torch.no_grad()
def fold_branch_scales(model: nn.Module) -> None:
    """Multiply each branch's scale into its last layer: the same function, of plain residuals."""
    for residual in _residuals(model):
        last = _last(residual.body)
        for parameter in last.parameters() if residual.branch_scale != 1 else ():
            parameter.mul_(residual.branch_scale)
        residual.branch_scale = 1.0


def _residuals(model: nn.Module) -> list[Residual]:
    return [module for module in model.modules() if isinstance(module, Residual)]


def _last(body: nn.Module) -> nn.Module:
    """The layer that a branch ends with."""
    while isinstance(body, nn.Sequential):
        body = body[-1]
    return body
