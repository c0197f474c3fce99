"""What is kept from job to job: the values used last, by number or by their weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from scaling_search.data import load
from scaling_search.data.load import load_split
from scaling_search.data.lru_cache import LruCache
from scaling_search.data.request import DataRequest


def keys(recent: LruCache[str, int]) -> list[str]:
    return list(recent._values)


def never() -> int:
    raise AssertionError("it is there")


def test_values_stay_while_they_weigh_no_more_than_is_allowed_and_the_oldest_go_first() -> None:
    recent: LruCache[str, int] = LruCache(10, lambda value: value)
    for name, weight in (("a", 4), ("b", 4), ("c", 2)):
        recent.get(name, partial(int, weight))
    assert keys(recent) == ["a", "b", "c"]
    assert recent.get("a", never) == 4  # used last from now on
    recent.get("d", lambda: 3)
    assert keys(recent) == ["c", "a", "d"]


def test_what_is_too_heavy_alone_is_handed_back_and_not_kept() -> None:
    recent: LruCache[str, int] = LruCache(10, lambda value: value)
    recent.get("small", lambda: 1)
    assert recent.get("large", lambda: 11) == 11
    assert keys(recent) == []


def test_a_value_that_is_put_again_weighs_once() -> None:
    recent: LruCache[str, int] = LruCache(10, lambda value: value)
    for _ in range(3):
        recent.put("a", 6)
    recent.put("b", 4)
    assert keys(recent) == ["a", "b"]


def test_without_weights_so_many_are_kept() -> None:
    recent: LruCache[str, int] = LruCache(2)
    makes: dict[str, Callable[[], int]] = {"a": lambda: 10, "b": lambda: 20, "c": lambda: 30}
    for name, make in makes.items():
        recent.get(name, make)
    assert keys(recent) == ["b", "c"]


def test_what_failed_to_be_made_is_made_again() -> None:
    recent: LruCache[str, int] = LruCache(2)

    def fail() -> int:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 (it is ours)
        recent.get("a", fail)
    assert recent.get("a", lambda: 1) == 1


def test_splits_are_kept_by_the_bytes_that_they_hold_on_the_device(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = DataRequest("imagefolder", root=str(folder), validation_fraction=0.2)
    # 16 training and 4 validation images in three colours, and eight bytes a label.
    sizes = {("train", 8): 16 * (3 * 64 + 8), ("validation", 8): 4 * (3 * 64 + 8)}
    assert load_split(request, "train", 8).bytes == sizes["train", 8]
    assert load_split(request, "validation", 8).bytes == sizes["validation", 8]
    names = [key[1:3] for key in load._splits._values]
    assert names == [("train", 8), ("validation", 8)]
    monkeypatch.setattr(load._splits, "_most", sum(sizes.values()))
    load_split(request, "test", 8)
    assert [key[1:3] for key in load._splits._values] == [("validation", 8), ("test", 8)]


def test_other_devices_splits_weigh_as_much(folder: Path) -> None:
    request = DataRequest("imagefolder", root=str(folder))
    load_split(request, "train", 8)
    load_split(request, "train", 8, torch.device("meta"))
    assert len(load._splits._values) == 2
