"""A backbone that learns more slowly than its classifier, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from scaling_search.core.errors import StoppedError, UserError
from scaling_search.nets.transfer import CLASSIFIER
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe
from scaling_search.training.train_state import new_state, optimizer
from tests.training.small import CPU, RECIPE, StopAfter, checkpoint_policy, same_tensors, trainer

FROZEN = replace(RECIPE, backbone_rate=0.0)
SLOW = replace(RECIPE, backbone_rate=0.1)


def weights(training: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in training.state.model.state_dict().items()}


def changed(recipe: Recipe) -> set[str]:
    """The tensors, statistics and counts among them, that a training changes."""
    training = trainer(recipe=recipe)
    before = weights(training)
    training.run()
    return {name for name, now in weights(training).items() if not torch.equal(now, before[name])}


def test_frozen_nothing_changes_but_the_classifier() -> None:
    assert changed(FROZEN) == {f"{CLASSIFIER}weight", f"{CLASSIFIER}bias"}


def test_at_a_low_rate_everything_does() -> None:
    assert {"stem.conv.weight", "stem.norm.running_mean", f"{CLASSIFIER}bias"} <= changed(SLOW)


def test_a_frozen_backbone_computes_in_training_what_it_does_in_evaluation() -> None:
    seen: list[bool] = []
    training = trainer(recipe=FROZEN)
    training.model.register_forward_pre_hook(
        lambda model, _: seen.append(
            [name for name, module in model.named_modules() if name and module.training]
            == ["head.dropout", "head.classifier"]
        )
    )
    training.state.model.train()
    training._epoch()
    assert seen[0]


def test_each_part_has_its_rate_and_decay() -> None:
    model = trainer(recipe=SLOW).model
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rates = {
        names[id(p)]: (group["rate_multiple"], group["weight_decay"])
        for group in optimizer(model, SLOW).param_groups
        for p in group["params"]
    }
    assert rates[f"{CLASSIFIER}weight"] == (1.0, SLOW.weight_decay)
    assert rates[f"{CLASSIFIER}bias"] == (1.0, 0.0)
    assert rates["stem.conv.weight"] == (0.1, SLOW.weight_decay)
    assert rates["stem.norm.weight"] == (0.1, 0.0)
    assert rates.keys() == set(names.values())


def test_a_step_of_the_backbone_is_so_much_shorter() -> None:
    plain = replace(RECIPE, optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=0.0)
    moved = {}
    for rate in (1.0, 0.25):
        training = trainer(recipe=replace(plain, backbone_rate=rate))
        before = weights(training)
        training._learn(iter([next(training._parts(0, 0))]))
        now = weights(training)
        moved[rate] = {name: now[name] - before[name] for name in now}
    stem, bias = "stem.conv.weight", f"{CLASSIFIER}bias"
    assert torch.allclose(moved[0.25][stem], 0.25 * moved[1.0][stem], rtol=1e-3, atol=1e-7)
    assert torch.allclose(moved[0.25][bias], moved[1.0][bias], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("recipe", [FROZEN, SLOW])
@pytest.mark.parametrize("step", [3, 5, 11])
def test_stopped_and_resumed_is_bitwise_uninterrupted(
    recipe: Recipe, step: int, tmp_path: Path
) -> None:
    straight = trainer(checkpoint_policy(tmp_path / "whole"), recipe=recipe)
    straight.run()
    with pytest.raises(StoppedError):
        trainer(checkpoint_policy(tmp_path / "cut", StopAfter(step)), recipe=recipe).run()
    resumed = trainer(checkpoint_policy(tmp_path / "cut"), recipe=recipe, weights_seed=1)
    resumed.run()
    assert same_tensors(resumed, straight)
    assert resumed.history == straight.history


def test_a_network_without_a_known_classifier_is_refused() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    for recipe in (FROZEN, SLOW):
        with pytest.raises(UserError, match="backbone_rate other than 1 needs a network that a"):
            new_state(model, recipe, CPU)
    assert new_state(model, RECIPE, CPU).model is model
