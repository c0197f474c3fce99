"""What a training step sees: at the epoch's side, in the recipe's memory format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scaling_search.core.number_formats import MemoryFormat
from scaling_search.data.augment import uniforms
from scaling_search.training.batches import (
    AT_ONCE_BYTES,
    augmented_parts,
    parts_at_once,
    training_images,
)
from scaling_search.training.recipe import Recipe
from tests.training.small import RECIPE, StopAfter, checkpoint_policy, same_tensors, split, trainer


def test_sides_grow_to_the_whole_over_three_quarters_of_the_epochs() -> None:
    recipe = Recipe(progressive_from=0.5)
    sides = [recipe.side_px_at(epoch, 9, 64) for epoch in range(9)]
    assert sides == [32, 36, 44, 48, 52, 60, 64, 64, 64]


@pytest.mark.parametrize("epochs", [1, 2, 3, 10])
def test_the_last_epoch_is_at_the_whole_side_whatever_it_is(epochs: int) -> None:
    recipe = Recipe(progressive_from=0.3)
    for px in (7, 8, 30, 33):
        sides = [recipe.side_px_at(epoch, epochs, px) for epoch in range(epochs)]
        assert sides[-1] == px
        assert min(sides) >= min(8, px)
        assert sides == sorted(sides)


def test_without_growth_every_epoch_is_at_the_networks_side() -> None:
    assert {Recipe().side_px_at(epoch, 5, 30) for epoch in range(5)} == {30}


def test_a_reduced_image_is_antialiased() -> None:
    # A chessboard of single pixels has the mean everywhere; every second pixel would be one colour.
    board = (torch.arange(16).view(-1, 1) + torch.arange(16)) % 2 * 255
    images = board.to(torch.uint8).expand(2, 1, 16, 16)
    recipe = Recipe(augment="none")
    made = training_images(images, uniforms(0, 0, 2), split(), recipe, side_px=8)
    assert made.shape == (2, 1, 8, 8)
    inner = made[..., 1:-1, 1:-1]
    assert torch.allclose(inner, torch.full_like(inner, (0.5 - 0.45) / 0.25), atol=0.05)


@pytest.mark.parametrize(
    ("name", "layout"),
    [("channels-last", torch.channels_last), ("contiguous", torch.contiguous_format)],
)
def test_network_and_images_have_the_recipes_memory_format(
    name: MemoryFormat, layout: torch.memory_format
) -> None:
    recipe = replace(RECIPE, memory_format=name)
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    means = replace(split(), mean=torch.zeros(3), std=torch.ones(3))
    made = training_images(images, uniforms(0, 0, 2), means, recipe, side_px=8)
    assert made.is_contiguous(memory_format=layout)
    weights = [p for p in trainer(recipe=recipe).model.parameters() if p.ndim == 4]
    assert all(weight.is_contiguous(memory_format=layout) for weight in weights)


def test_images_and_labels_belong_together() -> None:
    ((images, labels),) = split().batches(torch.tensor([7, 2]), 2)
    assert torch.equal(images, split().images[[7, 2]])
    assert labels.tolist() == [3, 2]


def test_a_growing_training_resumes_bitwise(tmp_path: Path) -> None:
    recipe = replace(RECIPE, progressive_from=0.5)
    images = replace(split(), images=split().images.repeat(1, 1, 2, 2))  # 16 px
    straight = trainer(recipe=recipe, train=images)
    straight.run()
    with pytest.raises(RuntimeError, match="stopped at step 7"):
        trainer(checkpoint_policy(tmp_path, StopAfter(7)), recipe=recipe, train=images).run()
    resumed = trainer(checkpoint_policy(tmp_path), recipe=recipe, train=images, weights_seed=1)
    resumed.run()
    assert same_tensors(resumed, straight)
    assert resumed.history[-1].validation_top1 == straight.history[-1].validation_top1


@pytest.mark.parametrize("policy", ["none", "shift", "shift-flip"])
@pytest.mark.parametrize("layout", ["channels-last", "contiguous"])
def test_parts_that_are_augmented_together_have_the_bits_of_parts_alone(
    policy: str, layout: str
) -> None:
    recipe = replace(RECIPE, augment=policy, memory_format=layout)  # type: ignore[arg-type]
    images, parts = split(), torch.randperm(40).view(5, 8)
    chance = uniforms(3, 1, 40)[parts]
    alone, together = (
        list(augmented_parts(images, parts, chance, recipe, lambda px: px, at_once))
        for at_once in (1, 3)  # of five parts: three, then two
    )
    assert len(alone) == len(together) == 5
    for (ours, labels), (theirs, their_labels) in zip(together, alone, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
        assert torch.equal(labels, their_labels)


def test_a_gpu_augments_as_many_parts_at_once_as_fit_into_a_bound() -> None:
    gpu, full_side = torch.device("cuda"), lambda px: px
    images = split()  # 8 px, grey: 256 bytes each as float32
    recipe = replace(RECIPE, augment="shift")
    assert parts_at_once(images, recipe, 8, full_side, gpu) == AT_ONCE_BYTES // (8 * 256)
    assert parts_at_once(images, recipe, 1 << 20, full_side, gpu) == 1
    assert parts_at_once(images, recipe, 8, lambda px: px - 4, gpu) == 1
    assert parts_at_once(images, recipe, 8, full_side, torch.device("cpu")) == 1
    for other in (
        replace(recipe, augment="random-resized-crop"),
        replace(recipe, auto_augment="randaugment"),
    ):
        assert parts_at_once(images, other, 8, full_side, gpu) == 1
