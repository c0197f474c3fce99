"""Deterministic algorithms: on while a recipe asks for them, and no longer."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scaling_search.core.errors import StoppedError, UserError
from scaling_search.data.augment import Policy
from scaling_search.jobs import starting_network as module
from scaling_search.jobs.execute import execute
from scaling_search.jobs.place import Place
from scaling_search.training.checkpoint_saver import CheckpointPolicy
from scaling_search.training.determinism import FIXED_ORDER, WORKSPACE, determinism
from scaling_search.training.loop import Trainer
from tests.jobs.small import RECIPE as JOB_RECIPE
from tests.jobs.small import job, without_times
from tests.training.small import RECIPE, StopAfter, checkpoint_policy, same_tensors, split, trainer

on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def state() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark


def test_every_switch_is_on_within_and_as_it_was_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    with determinism(True):
        assert state() == (True, True, False)
        assert os.environ[WORKSPACE] == FIXED_ORDER
    assert state() == (False, False, True)


def test_a_workspace_of_the_users_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKSPACE, ":16:8")
    with determinism(True):
        assert os.environ[WORKSPACE] == ":16:8"


def test_not_asked_for_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WORKSPACE, raising=False)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with determinism(False):
            assert torch.are_deterministic_algorithms_enabled()
        with determinism(True):
            assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_job_trains_and_is_scored_within_and_has_the_same_result_on_a_cpu() -> None:
    seen: list[bool] = []
    requested = job(recipe=replace(JOB_RECIPE, deterministic=True), reads_test=True)
    result = execute(requested, Place(), on_epoch=lambda _: seen.append(state()[0]))
    assert seen == [True]
    assert not state()[0]
    assert without_times(result) == without_times(execute(job(reads_test=True), Place()))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "upsample_x does not have a deterministic implementation, but you set 'torch.use_det…",
            r"^deterministic must be false .*, got True \(upsample_x does not .*\): leave it out$",
        ),
        ("shapes do not fit", "^shapes do not fit$"),
    ],
)
def test_an_operation_without_such_an_algorithm_is_the_recipes_mistake(
    said: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(module, "build", build)
    with pytest.raises((UserError, RuntimeError), match=expected) as caught:
        execute(job(recipe=replace(JOB_RECIPE, deterministic=True)), Place())
    assert (caught.type is UserError) == expected.startswith("^deterministic")


def trained(make: Callable[..., Trainer], folder: Path, stop: int | None = None) -> Trainer:
    """A training in this folder, from its checkpoint if it was stopped before."""
    training = make(checkpoint_policy(folder, StopAfter(stop)))
    with determinism(True):
        training.run()
    return training


def test_a_deterministic_training_stops_and_goes_on_bitwise(tmp_path: Path) -> None:
    straight = trained(trainer, tmp_path / "straight")
    with pytest.raises(StoppedError):
        trained(trainer, tmp_path / "stopped", 7)
    assert same_tensors(trained(trainer, tmp_path / "stopped"), straight)


@pytest.mark.gpu
@on_gpu
@pytest.mark.parametrize("augment", ["shift-flip", "random-resized-crop"])
def test_on_a_real_gpu_a_training_is_bitwise_the_same_again_and_resumed(
    tmp_path: Path, augment: Policy
) -> None:
    recipe = replace(RECIPE, augment=augment)

    def make(policy: CheckpointPolicy) -> Trainer:
        device, training = torch.device("cuda"), trainer(recipe=recipe)
        parts = [split(), split(20, seed=1)]
        train, validation = (
            replace(p, images=p.images.cuda(), mean=p.mean.cuda(), std=p.std.cuda()) for p in parts
        )
        return Trainer(
            training.model, train, validation, recipe, 3, 0, device, checkpoint_policy=policy
        )

    straight = trained(make, tmp_path / "straight")
    assert same_tensors(trained(make, tmp_path / "again"), straight)
    with pytest.raises(StoppedError):
        trained(make, tmp_path / "stopped", 7)
    assert same_tensors(trained(make, tmp_path / "stopped"), straight)
