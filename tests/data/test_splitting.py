from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_search.core.errors import UserError
from scaling_search.data.request import DataRequest
from scaling_search.data.splitting import allot, choose, stratified

CLASSES = ("a", "b", "c", "d")
TRAIN, TEST = np.arange(400) % 4, np.arange(80) % 4


def test_train_and_validation_share_no_image_and_leave_none_out() -> None:
    train, validation, test = choose(DataRequest(), CLASSES, TRAIN, TEST)
    assert not set(train) & set(validation)
    assert sorted([*train, *validation]) == list(range(400))
    assert list(test) == list(range(80))


def test_each_class_gives_its_share_to_validation() -> None:
    train, validation, _ = choose(DataRequest(), CLASSES, TRAIN, TEST)
    assert np.bincount(TRAIN[validation]).tolist() == [10] * 4
    assert np.bincount(TRAIN[train]).tolist() == [90] * 4


def test_a_cut_counts_train_and_validation_together() -> None:
    request = DataRequest(train_images=200, test_images=40)
    train, validation, test = choose(request, CLASSES, TRAIN, TEST)
    assert (len(train), len(validation), len(test)) == (180, 20, 40)
    assert np.bincount(TEST[test]).tolist() == [10] * 4


def test_the_seed_alone_decides_the_split() -> None:
    first = choose(DataRequest(split_seed=1), CLASSES, TRAIN, TEST)
    again = choose(DataRequest(split_seed=1), CLASSES, TRAIN, TEST)
    other = choose(DataRequest(split_seed=2), CLASSES, TRAIN, TEST)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[1], other[1])


def test_a_validation_seed_draws_other_validation_images_out_of_the_same_training_images() -> None:
    cut = DataRequest(train_images=200, test_images=40, split_seed=1)
    plain = choose(cut, CLASSES, TRAIN, TEST)
    parts = choose(replace(cut, validation_seed=7), CLASSES, TRAIN, TEST)
    assert {*plain[0], *plain[1]} == {*parts[0], *parts[1]}
    assert set(plain[1]) != set(parts[1])
    assert [len(part) for part in plain] == [len(part) for part in parts]
    assert np.array_equal(plain[2], parts[2])
    same = choose(replace(cut, validation_seed=1), CLASSES, TRAIN, TEST)
    assert np.array_equal(same[1], plain[1])


def test_a_smaller_cut_lies_within_a_larger_one() -> None:
    assert set(stratified(TRAIN, 40, seed=5)) < set(stratified(TRAIN, 80, seed=5))


def test_a_rare_class_is_in_every_split() -> None:
    labels = np.array([0] * 97 + [1] * 3)
    train, validation, _ = choose(DataRequest(train_images=20), CLASSES[:2], labels, TEST % 2)
    assert 1 in labels[train]
    assert 1 in labels[validation]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"train_images": 401}, "train_images must not exceed the 400 images there are, got 401"),
        ({"test_images": 81}, "test_images must not exceed the 80 images there are, got 81"),
        ({"test_images": 3}, "test_images must be at least 4, 1 of each class, got 3"),
        ({"train_images": 7}, "train_images must be at least 8, 2 of each class, got 7"),
    ],
)
def test_a_cut_that_cannot_be_made_is_refused(fields: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line):
        choose(DataRequest(**fields), CLASSES, TRAIN, TEST)


def test_a_split_with_fewer_images_than_classes_is_refused() -> None:
    with pytest.raises(UserError, match="at least 4, 1 of each class, got 3"):
        choose(DataRequest(), CLASSES, TRAIN, TEST[:3])


def test_a_class_of_one_image_is_named() -> None:
    labels = np.array([0] * 9 + [1])
    with pytest.raises(
        UserError, match=r"each class needs 2 training images.*got one or none of 'b': add"
    ):
        choose(DataRequest(), CLASSES[:2], labels, TEST % 2)


@given(sizes=st.lists(st.integers(2, 60), min_size=1, max_size=12), part=st.floats(0, 1))
def test_any_allotment_adds_up_and_takes_of_every_class(sizes: list[int], part: float) -> None:
    least, most = len(sizes), sum(sizes) - len(sizes)
    count = round(least + part * (most - least))
    shares = allot(np.array(sizes), count, leave=1)
    assert sum(shares) == count
    assert all(1 <= share < size for share, size in zip(shares, sizes, strict=True))
