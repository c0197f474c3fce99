"""The network that a job begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from torch import nn

from scaling_search.core.errors import UserError
from scaling_search.jobs import starting_network as module
from scaling_search.jobs.starting_network import starting_network
from scaling_search.training.recipe import ResidualInit
from tests.jobs.small import NETWORK, RECIPE, job


@pytest.mark.parametrize(("residual_init", "begin"), [("zero", 0.0), ("one", 1.0)])
def test_residual_branches_begin_as_the_recipe_says(
    residual_init: ResidualInit, begin: float
) -> None:
    model = starting_network(job(recipe=replace(RECIPE, residual_init=residual_init)))
    weights = [
        weight
        for name, weight in model.named_parameters()
        if name.startswith("stages.0.1.") and "project.norm.weight" in name
    ]
    assert {value for weight in weights for value in weight.tolist()} == {begin}


@pytest.mark.parametrize(("of_recipe", "dropout"), [(None, 0.3), (0.1, 0.1), (0.5, 0.5)])
def test_the_recipes_dropout_replaces_the_networks_own(
    of_recipe: float | None, dropout: float
) -> None:
    network, recipe = replace(NETWORK, dropout=0.3), replace(RECIPE, dropout=of_recipe)
    model = starting_network(job(architecture=network, recipe=recipe))
    assert [part.p for part in model.modules() if isinstance(part, nn.Dropout)] == [dropout]


@pytest.mark.parametrize(("of_recipe", "momentum"), [(None, 0.01), (0.3, 0.3)])
def test_the_recipes_momentum_of_batch_norms_replaces_the_networks_own(
    of_recipe: float | None, momentum: float
) -> None:
    network = replace(NETWORK, norm_momentum=0.01)
    recipe = replace(RECIPE, norm_momentum=of_recipe)
    model = starting_network(job(architecture=network, recipe=recipe))
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {momentum}


@pytest.mark.parametrize("changes", [{"evaluate_px_factor": 2.0}, {"progressive_from": 0.5}])
def test_a_network_of_one_side_is_refused(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one_side = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 20))
    monkeypatch.setattr(module, "build", lambda *_, **__: one_side)
    recipe, network = replace(RECIPE, **changes), replace(NETWORK, resolution_px=16)
    with pytest.raises(
        UserError, match="need a network that takes images of any side, got 'micro'"
    ):
        starting_network(job(architecture=network, recipe=recipe, epochs=4))
