"""One step: parts of a batch add up to the batch; a compiled network is the same network."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from scaling_search.core.errors import UserError
from scaling_search.core.number_formats import Precision
from scaling_search.nets import compilation
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import train_step
from scaling_search.training.train_state import new_state
from tests.training import small
from tests.training.small import CPU, RECIPE, StopAfter, checkpoint_policy, same_tensors, trainer

IMAGES = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(8) % 3


def stepped(recipe: Recipe, steps: int = 3) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The losses and weights of a network without norms after a few steps on the same batch."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(64, 3))
    state = new_state(model, recipe, CPU)
    parts = list(zip(IMAGES.chunk(recipe.accumulate), LABELS.chunk(recipe.accumulate), strict=True))
    losses = [train_step(state, recipe, 0.1, parts, CPU) for _ in range(steps)]
    return torch.stack(losses), model.state_dict()


@pytest.mark.parametrize("accumulate", [2, 4, 8])
@pytest.mark.parametrize("clip_norm", [0.0, 0.1])
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_accumulated_parts_learn_as_the_whole_batch_does(
    accumulate: int, clip_norm: float, precision: Precision
) -> None:
    whole = Recipe(batch_size=8, clip_norm=clip_norm, precision=precision)
    losses, weights = stepped(whole)
    in_parts, same = stepped(replace(whole, accumulate=accumulate))
    tolerance = 1e-6 if precision == "float32" else 2e-3
    assert torch.allclose(in_parts, losses, atol=tolerance)
    assert all(torch.allclose(same[name], weights[name], atol=tolerance) for name in weights)


def test_an_accumulated_training_stops_and_goes_on_bitwise(tmp_path: Path) -> None:
    recipe = replace(RECIPE, accumulate=4)
    straight = trainer(recipe=recipe, epochs=1)
    straight.run()
    with pytest.raises(RuntimeError, match="stopped at step 3"):
        trainer(checkpoint_policy(tmp_path, StopAfter(3)), recipe=recipe, epochs=1).run()
    resumed = trainer(checkpoint_policy(tmp_path), recipe=recipe, epochs=1, weights_seed=1)
    resumed.run()
    assert same_tensors(resumed, straight)


@pytest.mark.parametrize("accumulate", [0, -1, 3])
def test_parts_must_be_equal(accumulate: int) -> None:
    with pytest.raises(UserError, match=f"accumulate must divide batch_size = 8, got {accumulate}"):
        Recipe(batch_size=8, accumulate=accumulate)


def without_chance(recipe: Recipe, kept: CheckpointPolicy | None = None, seed: int = 0) -> Trainer:
    """A training without dropout and stochastic depth: compiled code draws in another order."""
    training = trainer(kept, recipe=recipe, epochs=2, weights_seed=seed)
    for module in training.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return training


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
def test_a_compiled_training_is_the_eager_one_within_rounding_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fewer stages, the less there is to compile.
    monkeypatch.setattr(small, "NETWORK", replace(small.NETWORK, stages=small.NETWORK.stages[:1]))
    recipe = Recipe(batch_size=8, learning_rate=0.01, compile="default")
    eager, compiled = without_chance(replace(recipe, compile="off")), without_chance(recipe)
    losses = [[record.train_loss for record in t.run()] for t in (eager, compiled)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert compiled.state.tensors().keys() == eager.state.tensors().keys()
    with pytest.raises(RuntimeError, match="stopped at step 7"):
        without_chance(recipe, checkpoint_policy(tmp_path, StopAfter(7))).run()
    resumed = without_chance(recipe, checkpoint_policy(tmp_path), seed=1)
    resumed.run()
    assert same_tensors(resumed, compiled)


def test_a_network_of_too_many_versions_is_refused_and_not_trained_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compilation, "MOST_VERSIONS", 2)
    recipe = Recipe(batch_size=8, compile="default")
    torch.compiler.reset()
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    state = new_state(model, replace(recipe, compile="off"), CPU)
    forward = torch.compile(model, backend="eager", dynamic=False)
    state = replace(state, forward=forward)
    for side in (6, 7):
        train_step(state, recipe, 0.1, [(torch.randn(8, 1, side, side), LABELS)], CPU)
    with pytest.raises(UserError, match=r"^compile must be 'off' where torch can't compile"):
        train_step(state, recipe, 0.1, [(torch.randn(8, 1, 8, 8), LABELS)], CPU)


def test_a_network_that_cant_be_compiled_is_refused_in_one_line() -> None:
    recipe = Recipe(batch_size=8, compile="default")
    state = new_state(nn.Flatten(), replace(recipe, compile="off"), CPU)

    def backend(*_: object) -> None:
        raise OSError("no compiler at all")

    broken = torch.compile(nn.Linear(36, 3), backend=backend)
    state = replace(state, forward=broken)
    with pytest.raises(UserError, match=r"^compile must be 'off' .*no compiler at all") as caught:
        train_step(state, recipe, 0.1, [(IMAGES.flatten(1), LABELS)], CPU)
    assert "\n" not in str(caught.value)
