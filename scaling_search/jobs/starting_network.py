"""The network that a job begins with, as its recipe and its pretrained weights ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from scaling_search.arch.protocol import Network
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.nets.build import build
from scaling_search.nets.residuals import scale_branches, zero_branches
from scaling_search.training.recipe import Recipe


def starting_network(job: TrainJob) -> nn.Module:
    """The network before its first step, on the CPU, drawn from the job's seed.

    Raises UserError where the recipe asks for images of a side that it can't take.

    Examples:
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.jobs.starting_network import starting_network
        >>> from scaling_search.training.recipe import Recipe
        >>> images = DataRequest(), "f" * 16, 3600
        >>> job = TrainJob(zoo.get("nano"), *images, Recipe(), epochs=8, seed=0)
        >>> sum(weights.numel() for weights in starting_network(job).parameters())
        8596
    """
    torch.manual_seed(job.seed)
    recipe = job.recipe
    model = build(_trained_form(job.architecture, recipe), drop_path=recipe.drop_path)
    if recipe.residual_init == "zero":
        zero_branches(model)
    if recipe.branch_scale == "1/sqrt(depth)":
        scale_branches(model)
    if job.initial is not None:
        job.initial.begin(model)
    _check_sides(model, job)
    return model


def _trained_form(network: Network, recipe: Recipe) -> Network:
    """The network with what the recipe says in its place."""
    if not isinstance(network, Architecture):
        return network
    overrides = {"dropout": recipe.dropout, "norm_momentum": recipe.norm_momentum}
    changes: dict[str, Any] = {
        name: value for name, value in overrides.items() if value is not None
    }
    return replace(network, **changes)


def _check_sides(model: nn.Module, job: TrainJob) -> None:
    """Raise UserError, before hours of training, when the network has but one side."""
    native_px, recipe = job.architecture.resolution_px, job.recipe
    other_sides = {recipe.evaluated_px(native_px), recipe.side_px_at(0, job.epochs, native_px)} - {
        native_px
    }
    for px in sorted(other_sides):
        try:
            with torch.inference_mode():
                model.eval()(torch.zeros(1, job.architecture.in_channels, px, px))
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise UserError(
                f"evaluate_px_factor and progressive_from need a network that takes images of "
                f"any side, got {job.architecture.name!r}, which fails at {px} px ({reason}): "
                "leave both at 1.0"
            ) from error
