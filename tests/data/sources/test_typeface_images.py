from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from scaling_search.core.errors import UserError
from scaling_search.data.load import describe, load_split
from scaling_search.data.request import DataRequest
from scaling_search.data.sources import typeface_images, typefaces

SMALL = DataRequest(train_images=200, test_images=40)


def test_there_are_twenty_faces_whose_fonts_hold_every_letter() -> None:
    assert len(set(typeface_images.TYPEFACES)) == 20
    for _, face in typeface_images.FACES:
        font = typeface_images._font(face, 32)
        blank = font.getmask("\ufffd").getbbox()
        shapes = {bytes(font.getmask(letter)) for letter in "AaBbGgQqRrZz"}
        assert len(shapes) == 12, face
        assert blank is None or bytes(font.getmask("\ufffd")) not in shapes


def test_a_picture_is_a_function_of_seed_and_index() -> None:
    picture = typeface_images.render(0, 7, 48)
    assert picture.shape == (48, 48)
    assert np.array_equal(picture, typeface_images.render(0, 7, 48))
    assert not np.array_equal(picture, typeface_images.render(1, 7, 48))
    assert not np.array_equal(picture, typeface_images.render(0, 27, 48))


@pytest.mark.parametrize(("px", "tier"), [(1, 96), (96, 96), (97, 192), (192, 192), (193, 384)])
def test_a_picture_is_drawn_at_the_smallest_tier_that_holds_it(px: int, tier: int) -> None:
    assert typeface_images.tier_px(px) == tier


def test_an_index_is_the_same_picture_at_every_side() -> None:
    # Hinting moves outlines by a fraction of a pixel; another picture differs by far more.
    for index in range(20):
        large = typeface_images.shrink(typeface_images.draw(0, index, 192)[None, None], 96)[0, 0]
        same = np.abs(large.astype(int) - typeface_images.draw(0, index, 96)).mean()
        other = np.abs(large.astype(int) - typeface_images.draw(0, index + 20, 96)).mean()
        assert same < 5
        assert same < other / 3


def test_shrinking_takes_the_mean_of_the_area() -> None:
    images = np.array([[0, 30, 60], [0, 30, 60], [90, 90, 90]], np.uint8)[None, None]
    # Each new pixel covers one and a half old ones each way.
    left = (0 * 1 + 30 * 0.5) / 1.5
    bottom = (left * 0.5 + 90 * 1) / 1.5
    shrunk = typeface_images.shrink(images, 2)[0, 0]
    assert shrunk[0, 0] == round(left)
    assert shrunk[1, 0] == round(bottom)
    assert np.allclose(typeface_images.area_weights(96, 41).sum(1), 1, atol=1e-6)


def test_words_are_three_or_four_letters_of_hamburgefonstiv() -> None:
    words = [typeface_images.word(np.random.default_rng(seed)) for seed in range(300)]
    assert {len(word) for word in words} == {3, 4}
    assert set("".join(words)) == set("hamburgefonstiv")


def test_vowels_and_consonants_take_turns() -> None:
    words = [typeface_images.word(np.random.default_rng(seed)) for seed in range(100)]
    vowels = [[letter in "aeiou" for letter in word] for word in words]
    assert all(a != b for word in vowels for a, b in itertools.pairwise(word))
    assert {word[0] for word in vowels} == {True, False}


def test_by_default_there_are_4_400_training_and_2_000_test_pictures() -> None:
    info = describe(DataRequest())
    assert (info.train_images, info.validation_images, info.test_images) == (3960, 440, 2000)
    assert (info.channels, info.native_px, len(info.classes)) == (1, 96, 20)


def test_no_picture_is_in_two_splits() -> None:
    splits = [load_split(SMALL, name, 48) for name in ("train", "validation", "test")]
    pictures = [
        {split.fetch(torch.tensor([i])).numpy().tobytes() for i in range(len(split))}
        for split in splits
    ]
    assert [len(images) for images in pictures] == [180, 20, 40]
    assert len(set.union(*pictures)) == 240


def test_the_loaded_pictures_are_the_drawn_ones_under_their_labels() -> None:
    test = load_split(SMALL, "test", 40)
    expected = typeface_images.render(typefaces.PICTURES_SEED, typefaces.TEST_BEGINS + 3, 40)
    assert np.array_equal(test.fetch(torch.tensor([3]))[0, 0].numpy(), expected)
    assert test.labels.tolist() == [
        typeface_images.label(typefaces.TEST_BEGINS + i) for i in range(40)
    ]
    assert torch.bincount(test.labels).tolist() == [2] * 20


def test_more_pictures_than_the_ranges_hold_are_refused() -> None:
    with pytest.raises(UserError, match="train_images of typefaces must not exceed 100000"):
        describe(DataRequest(train_images=100_001))


def test_the_progress_of_the_drawing_is_told() -> None:
    phrases: list[str] = []
    load_split(SMALL, "test", 96, report=phrases.append)
    assert phrases[-1] == "preparing typefaces at 96 px: 40/40"
