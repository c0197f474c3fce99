"""Order and augmentation: pure functions of seed, epoch and index."""

from __future__ import annotations

import pytest
import torch

from scaling_search.data.augment import (
    Policy,
    augment,
    draws_per_image,
    order,
    shift_images,
    uniforms,
)

DRAWN = [0.830039, 0.764602, 0.468892, 0.965418, 0.814548, 0.421037]
MEAN, STD = torch.tensor([0.5]), torch.tensor([0.25])


def test_the_order_is_a_permutation_that_seed_and_epoch_alone_decide() -> None:
    first = order(3, 1, 100)
    assert torch.equal(first.sort().values, torch.arange(100))
    assert torch.equal(first, order(3, 1, 100))
    assert not torch.equal(first, order(3, 2, 100))
    assert not torch.equal(first, order(4, 1, 100))


def test_the_draws_are_uniform_and_decided_by_seed_and_epoch_alone() -> None:
    draws = uniforms(0, 0, 20_000)
    assert draws.shape == (20_000, 3)
    assert draws.min() >= 0
    assert draws.max() < 1
    assert torch.allclose(draws.mean(0), torch.full((3,), 0.5), atol=0.01)
    assert torch.equal(draws, uniforms(0, 0, 20_000))
    assert not torch.equal(draws, uniforms(0, 1, 20_000))


def test_no_policy_only_normalises() -> None:
    images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    for draws in (None, uniforms(0, 0, 2)):
        made = augment(images, draws, "none", MEAN, STD)
        assert made.dtype == torch.float32
        assert torch.allclose(made[:, 0, 0, 0], torch.tensor([-2.0, 2.0]))


def test_without_draws_no_image_is_shifted() -> None:
    images = torch.randint(0, 256, (4, 1, 8, 8), dtype=torch.uint8)
    plain = augment(images, None, "none", MEAN, STD)
    assert torch.equal(augment(images, None, "shift-flip", MEAN, STD), plain)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", ["none", "shift", "shift-flip", "random-resized-crop"])
def test_batches_are_channels_last(channels: int, policy: Policy) -> None:
    images = torch.randint(0, 256, (4, channels, 8, 8), dtype=torch.uint8)
    mean, std = MEAN.expand(channels), STD.expand(channels)
    draws = uniforms(0, 0, 4, draws_per_image(policy, "none"))
    made = augment(images, draws, policy, mean, std)
    assert made.shape == (4, channels, 8, 8)
    assert made.is_contiguous(memory_format=torch.channels_last)


def test_a_shift_moves_each_image_by_its_own_draws_and_fills_with_zero() -> None:
    images = torch.arange(1.0, 17.0).view(1, 1, 4, 4).repeat(3, 1, 1, 1)
    # Reach 1: thirds of [0, 1) stand for down, still, up, and for right, still, left.
    moved = shift_images(images, torch.tensor([0.0, 0.5, 0.99]), torch.tensor([0.5, 0.5, 0.99]))
    down = [[0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]
    up_left = [[6, 7, 8, 0], [10, 11, 12, 0], [14, 15, 16, 0], [0, 0, 0, 0]]
    assert moved[0, 0].tolist() == down
    assert torch.equal(moved[1], images[1])
    assert moved[2, 0].tolist() == up_left


def test_what_a_shift_of_bytes_uncovers_is_filled_with_each_channels_own() -> None:
    images = torch.full((1, 2, 8, 8), 7, dtype=torch.uint8)
    fill = torch.tensor([1, 2], dtype=torch.uint8)
    moved = shift_images(images, torch.tensor([0.0]), torch.tensor([0.5]), fill)
    assert moved.dtype == torch.uint8
    assert [set(row.tolist()) for row in moved[0, :, 0]] == [{1}, {2}]
    assert (moved[0, :, 1:] == 7).all()


def test_the_draws_of_old_policies_stay_what_they_were() -> None:
    # Results in ledgers come from these numbers.
    assert draws_per_image("shift-flip", "none") == 3
    assert uniforms(0, 0, 2).flatten().tolist() == pytest.approx(DRAWN, abs=1e-6)


def test_the_extreme_draws_reach_an_eighth_of_the_side() -> None:
    image = torch.ones(2, 1, 24, 24)
    nearly_one = 1 - 2**-24
    moved = shift_images(image, torch.tensor([0.0, nearly_one]), torch.tensor([0.5, 0.5]))
    assert (moved[0, 0, :3] == 0).all()
    assert (moved[0, 0, 3] == 1).all()
    assert (moved[1, 0, -3:] == 0).all()
    assert (moved[1, 0, -4] == 1).all()


def test_only_images_with_a_chance_below_a_half_are_mirrored() -> None:
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    still = torch.tensor([[0.5, 0.5, 0.4], [0.5, 0.5, 0.6]])
    mean, std = MEAN.expand(3), STD.expand(3)
    plain = augment(images, None, "none", mean, std)
    made = augment(images, still, "shift-flip", mean, std)
    assert torch.equal(made[0], plain[0].flip(-1))
    assert torch.equal(made[1], plain[1])


def test_an_image_is_augmented_alike_in_any_batch() -> None:
    images = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8)
    draws = uniforms(1, 2, 6)
    together = augment(images, draws, "shift-flip", MEAN, STD)
    part = augment(images[2:4], draws[2:4], "shift-flip", MEAN, STD)
    assert torch.equal(together[2:4], part)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_device_augments_as_the_cpu_does() -> None:
    images = torch.randint(0, 256, (6, 1, 8, 8), dtype=torch.uint8)
    draws = uniforms(1, 2, 6)
    there = augment(images.cuda(), draws, "shift-flip", MEAN, STD)
    assert torch.allclose(there.cpu(), augment(images, draws, "shift-flip", MEAN, STD))
