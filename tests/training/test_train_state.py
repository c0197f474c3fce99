"""The state of a training: what is decayed, and the way into tensors and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from scaling_search.core.number_formats import Precision
from scaling_search.training.checkpoint import Checkpoint, load, save
from scaling_search.training.recipe import Optimizer, Recipe
from scaling_search.training.train_state import new_state, optimizer
from tests.training.small import CPU, RECIPE, same_tensors, trainer


def test_norms_and_biases_are_not_decayed() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    decayed, checkpoint = optimizer(model, Recipe(weight_decay=0.01)).param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert decayed["weight_decay"] == 0.01
    assert {names[id(p)] for p in decayed["params"]} == {"0.weight", "3.weight"}
    assert checkpoint["weight_decay"] == 0
    assert {names[id(p)] for p in checkpoint["params"]} == {
        "0.bias",
        "1.weight",
        "1.bias",
        "3.bias",
    }


@pytest.mark.parametrize("kind", ["sgd", "adamw", "rmsprop"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_every_optimiser_comes_back_bitwise(kind: Optimizer, momentum: float) -> None:
    recipe = replace(RECIPE, optimizer=kind, momentum=momentum, learning_rate=0.01)
    trained, fresh = trainer(recipe=recipe, epochs=1), trainer(recipe=recipe, seed=1)
    trained.run()
    fresh.state.restore(trained.state.tensors())
    assert same_tensors(trained, fresh)


@pytest.mark.parametrize("kind", ["sgd", "adamw", "rmsprop"])
def test_what_an_optimiser_keeps_comes_back_in_the_layout_of_its_weights(
    kind: Optimizer, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, optimizer=kind, learning_rate=0.01, memory_format="channels-last")
    trained, fresh = trainer(recipe=recipe, epochs=1), trainer(recipe=recipe, seed=1)
    trained.run()
    checkpoint = load(save(tmp_path, Checkpoint(1, trained.state.tensors(), {})))
    assert checkpoint is not None
    fresh.state.restore(checkpoint.tensors)
    layouts = [
        (slot.stride(), parameter.stride())
        for parameter, slots in fresh.state.optimizer.state.items()
        for slot in slots.values()
        if slot.ndim
    ]
    assert all(slot == parameter for slot, parameter in layouts)
    # Some are laid out as no file keeps them: channels 1 apart, and not the last axis.
    assert any(len(slot) == 4 and slot[1] == 1 < slot[3] for slot, _ in layouts)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_comes_back_with_its_loss_scale(precision: Precision) -> None:
    recipe = replace(RECIPE, precision=precision)
    trained, fresh = trainer(recipe=recipe, epochs=1), trainer(recipe=recipe, seed=1)
    trained.run()
    fresh.state.restore(trained.state.tensors())
    assert same_tensors(trained, fresh)
    assert fresh.state.scaler.state_dict() == trained.state.scaler.state_dict()


def test_averaged_weights_are_what_is_scored_and_follow_the_decay() -> None:
    model = nn.Linear(1, 1, bias=False)
    state = new_state(model, Recipe(ema_decay=0.75, ema_warmup=False), CPU)
    assert state.averaged is not None
    for weight in (4.0, 8.0):  # the first update copies: 4, then 0.75 · 4 + 0.25 · 8 = 5
        nn.init.constant_(model.weight, weight)
        state.averaged.update()
    assert [weight.item() for weight in state.evaluated.parameters()] == [5.0]


def test_the_average_spans_fewer_steps_at_first() -> None:
    model = nn.Linear(1, 1, bias=False)
    state = new_state(model, Recipe(ema_decay=0.26), CPU)
    assert state.averaged is not None
    # 8 is copied; then min(0.26, 3/12) = 0.25 and min(0.26, 4/13) = 0.26 of what was there.
    for weight in (8.0, 0.0, 10.0):
        nn.init.constant_(model.weight, weight)
        state.averaged.update()
    (followed,) = (weight.item() for weight in state.evaluated.parameters())
    assert followed == pytest.approx(0.26 * 2 + 0.74 * 10)


def test_without_averaging_the_weights_themselves_are_scored() -> None:
    model = nn.Linear(1, 1)
    assert new_state(model, Recipe(), CPU).evaluated is model


def test_tensors_are_copies() -> None:
    model = nn.Linear(1, 1, bias=False)
    state = new_state(model, Recipe(), CPU)
    before = state.tensors()["model.weight"].clone()
    nn.init.constant_(model.weight, 3.0)
    assert not torch.equal(before, state.tensors()["model.weight"])
