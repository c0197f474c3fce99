"""A set that lies on the device: an epoch's order and draws go there once, steps copy nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from scaling_search.data.augment import Policy, uniforms
from scaling_search.data.splits import ResidentSplit
from scaling_search.training.batches import draws_of_parts
from scaling_search.training.loop import Trainer
from scaling_search.training.recipe import Recipe
from scaling_search.training.step import seed_dropout
from tests.training.small import CPU, RECIPE, split, trainer

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
META = torch.device("meta")


class Copies(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that take a tensor of the CPU to another device, or back."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        given = {arg.device for arg in args if isinstance(arg, torch.Tensor)}
        if isinstance(made, torch.Tensor) and given and made.device not in given:
            self.count += 1
        return made


def on(device: torch.device, part: ResidentSplit) -> ResidentSplit:
    moved = {name: getattr(part, name).to(device) for name in ("images", "mean", "std")}
    return replace(part, **moved)


def copies_by_step(policy: Policy, device: torch.device) -> list[int]:
    """The copies before each step of an epoch gets its images and labels."""
    training = trainer(recipe=replace(RECIPE, augment=policy))
    # The network is left where it is: only the way of the images is looked at.
    assert isinstance(training.train, ResidentSplit)
    training.train, training.device = on(device, training.train), device
    parts, counted = training._parts(0, 0), []
    for _ in range(training.steps_per_epoch):
        with Copies() as copies:
            images, labels = next(parts)
        assert images.device.type == labels.device.type == device.type
        counted.append(copies.count)
    return counted


@pytest.mark.parametrize("policy", ["none", "shift", "shift-flip"])
def test_only_the_first_step_of_an_epoch_copies_to_the_device(policy: Policy) -> None:
    # A device that computes nothing stands in for one that does: copies to it are the same calls.
    first, *others = copies_by_step(policy, META)
    assert first == 3  # order, labels and draws
    assert others == [0, 0, 0, 0]


def test_what_the_cpu_works_out_stays_there() -> None:
    parts = torch.tensor([[2, 0], [1, 3]])
    recipe = Recipe(augment="random-resized-crop")
    of_all = uniforms(0, 0, 4, 5)
    draws = draws_of_parts(of_all, parts, recipe, META)
    assert draws.device == CPU
    assert torch.equal(draws[1], of_all[[1, 3]])
    assert draws_of_parts(of_all, parts, replace(recipe, augment="shift"), META).device == META


def test_the_seed_of_a_step_is_torchs_own() -> None:
    seed_dropout((3 << 32) + 7, CPU)
    ours = torch.rand(5)
    torch.manual_seed((3 << 32) + 7)
    assert torch.equal(ours, torch.rand(5))


def on_gpu(recipe: Recipe) -> Trainer:
    device = torch.device("cuda")
    training = trainer(recipe=recipe)
    parts = on(device, split()), on(device, split(20, seed=1))
    return Trainer(training.model, *parts, recipe, training.epochs, training.seed, device)


SILENT = {
    "default": Recipe(batch_size=8, augment="shift-flip"),
    "bfloat16": Recipe(batch_size=8, precision="bfloat16"),
    "clipped": Recipe(batch_size=8, clip_norm=1.0),
    "averaged": Recipe(batch_size=8, ema_decay=0.999),
    "averaged, with a warm-up": Recipe(batch_size=8, ema_decay=0.999, ema_warmup=True),
    "cropped": Recipe(batch_size=8, augment="random-resized-crop"),
    "adamw": Recipe(batch_size=8, optimizer="adamw"),
    "rmsprop": Recipe(batch_size=8, optimizer="rmsprop", learning_rate=0.01),
}


@pytest.mark.gpu
@cuda
@pytest.mark.parametrize("recipe", SILENT.values(), ids=SILENT.keys())
def test_a_step_on_a_gpu_waits_for_nothing(recipe: Recipe) -> None:
    training = on_gpu(recipe)
    training.state.model.train()
    parts = training._parts(0, 0)
    for step in range(training.steps_per_epoch):
        if step == 1:  # the epoch's order and draws are there, and the kernels are loaded
            torch.cuda.synchronize()
            torch.cuda.set_sync_debug_mode("error")
        try:
            training._learn(iter([next(parts)]))
        finally:
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.slow
@cuda
def test_a_captured_training_has_the_losses_of_a_plain_one() -> None:
    plain, captured = (
        on_gpu(Recipe(batch_size=8, compile=mode)) for mode in ("off", "reduce-overhead")
    )
    for training in (plain, captured):
        without_dropout(training.model)  # torch's compiler draws by a generator of its own
    losses = [[record.train_loss for record in training.run()] for training in (plain, captured)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def without_dropout(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


@pytest.mark.gpu
@cuda
@pytest.mark.parametrize("policy", ["none", "shift", "shift-flip"])
def test_an_epoch_augmented_at_once_has_the_bits_of_steps_alone(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = on_gpu(Recipe(batch_size=8, augment=policy))  # type: ignore[arg-type]
    at_once = list(training._parts(0, 0))
    monkeypatch.setattr("scaling_search.training.batches.AT_ONCE_BYTES", 0)
    for (ours, labels), (theirs, their_labels) in zip(at_once, training._parts(0, 0), strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(labels, their_labels)
