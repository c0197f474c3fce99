"""Steps that are captured, with a stand-in whose graph does the work again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from scaling_search.training.captured import WARM_UP, CapturedSteps, Work, obstacle
from scaling_search.training.distributed import ALONE
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import set_rate, train_step
from scaling_search.training.train_state import optimizer_in_graphs
from tests.training.small import CPU, RECIPE, checkpoint_policy, same_tensors, trainer

GPU = torch.device("cuda")
CAPTURED = replace(RECIPE, compile="graph")


class Captures:
    """Makes graphs that do the work again, and counts them and what they replay."""

    def __init__(self, error: str = "") -> None:
        self.error, self.made, self.replayed = error, 0, 0

    def __call__(self, work: Work) -> Work:
        if self.error:
            raise RuntimeError(self.error)
        self.made += 1

        def replay() -> None:
            self.replayed += 1
            work()

        return replay


def captured(captures: Captures, **options: Any) -> Trainer:
    """The small training by captured steps."""
    training = trainer(**options)
    training.take_step = CapturedSteps(
        training.state, training.recipe, CPU, training.take_step, captures
    )
    return training


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw"}, {"optimizer": "rmsprop"}])
def test_a_captured_training_is_the_plain_one(changes: dict[str, Any]) -> None:
    recipe, captures = replace(RECIPE, **changes), Captures()
    plain, ours = trainer(recipe=recipe), captured(captures, recipe=recipe)
    plain.run()
    ours.run()
    assert same_tensors(ours, plain)
    assert [each.train_loss for each in ours.history] == [e.train_loss for e in plain.history]
    assert (captures.made, captures.replayed) == (1, ours.total_steps - WARM_UP)


def test_each_side_of_a_progressive_training_has_a_graph_of_its_own() -> None:
    recipe, captures = replace(RECIPE, progressive_from=0.5), Captures()
    plain, ours = trainer(recipe=recipe, epochs=5), captured(captures, recipe=recipe, epochs=5)
    sides = {recipe.side_px_at(epoch, 5, 8) for epoch in range(5)}
    plain.run()
    ours.run()
    assert same_tensors(ours, plain)
    assert captures.made == len(sides)


def test_what_can_not_be_captured_goes_on_plainly_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain, ours = trainer(), captured(Captures("operation not permitted when capturing\nat x"))
    plain.run()
    with caplog.at_level(logging.WARNING):
        ours.run()
    assert same_tensors(ours, plain)
    assert caplog.messages == [
        "steps are not captured in a graph: operation not permitted when capturing"
    ]


@pytest.mark.parametrize(
    ("changes", "device", "reason"),
    [
        ({}, GPU, ""),
        ({}, CPU, "there are none on a CPU"),
        ({"precision": "float16"}, GPU, "float16 has a scale"),
        ({"accumulate": 2}, GPU, "a batch comes in 2 parts"),
    ],
)
def test_what_keeps_a_step_from_being_captured_is_said(
    changes: dict[str, Any], device: torch.device, reason: str
) -> None:
    assert obstacle(replace(CAPTURED, **changes), device, ALONE).startswith(reason)


def test_on_a_cpu_it_is_the_plain_training_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ours = trainer(recipe=CAPTURED)
    assert caplog.messages == ["steps are not captured in a graph: there are none on a CPU"]
    plain = trainer()
    ours.run()
    plain.run()
    assert same_tensors(ours, plain)


def test_a_rate_on_the_device_moves_weights_as_far_as_one_of_the_host() -> None:
    plain = trainer(recipe=Recipe(batch_size=8))
    ours = trainer(recipe=Recipe(batch_size=8))
    made = optimizer_in_graphs(ours.model, ours.recipe, CPU)
    ours.state = replace(ours.state, optimizer=made)
    ours.take_step = CapturedSteps(ours.state, ours.recipe, CPU, _plainly(ours), Captures())
    for training in (plain, ours):
        training._learn(iter([next(training._parts(0, 0))]))
    for mine, theirs in zip(ours.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


def _plainly(training: Trainer) -> Callable[..., torch.Tensor]:
    return lambda rate, parts: train_step(training.state, training.recipe, rate, parts, CPU)


def test_a_rate_on_the_device_is_there_after_a_checkpoint(tmp_path: Any) -> None:
    training = trainer(checkpoint_policy(tmp_path), recipe=Recipe(batch_size=8))
    training.state = replace(
        training.state, optimizer=optimizer_in_graphs(training.model, training.recipe, CPU)
    )
    training.state.restore(training.state.tensors())
    assert all(
        isinstance(each["lr"], torch.Tensor) for each in training.state.optimizer.param_groups
    )


def test_each_part_of_a_network_keeps_a_rate_of_its_own_on_the_device() -> None:
    training = trainer(recipe=Recipe(batch_size=8, backbone_rate=0.5))
    made = optimizer_in_graphs(training.model, training.recipe, CPU)
    set_rate(made, 0.25)
    rates = {(each["rate_multiple"], each["lr"].item()) for each in made.param_groups}
    assert rates == {(0.5, 0.125), (1.0, 0.25)}
