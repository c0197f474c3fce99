"""Entries of CUDA_VISIBLE_DEVICES, and what --gpus makes of them."""

from __future__ import annotations

import pytest

from scaling_search.core.errors import UserError
from scaling_search.jobs.cards import GpuCard, cards_asked_for, visible_cards

UUIDS = ("GPU-8f1c-0", "GPU-8f1d-1", "GPU-9a00-2")


def entries(variable: str | None, count: int) -> list[str]:
    return [card.entry for card in visible_cards(variable, count)]


@pytest.mark.parametrize(
    ("variable", "count", "expected"),
    [
        (None, 3, ["0", "1", "2"]),
        ("4,5,6", 3, ["4", "5", "6"]),
        (" 4 , 5 ", 2, ["4", "5"]),
        ("2,9,1", 1, ["2"]),  # CUDA stops at one that is not there, and counts 1
        ("2,-1,1", 1, ["2"]),
        ("2,,1", 1, ["2"]),
        ("", 0, []),
        ("-1", 0, []),
        ("GPU-8f1c,GPU-9a", 2, ["GPU-8f1c", "GPU-9a"]),
        ("MIG-3b5e,MIG-77aa,MIG-1", 1, ["MIG-3b5e", "MIG-77aa", "MIG-1"]),
        ("MIG-GPU-8f1c/1/0", 1, ["MIG-GPU-8f1c/1/0"]),
    ],
)
def test_the_visible_cards_are_those_that_cuda_counts(
    variable: str | None, count: int, expected: list[str]
) -> None:
    assert entries(variable, count) == expected


def test_a_card_is_handed_on_by_its_entry_and_is_the_parents_own_number() -> None:
    _, second = visible_cards("4,GPU-9a", 2)
    assert second.environment == {"CUDA_VISIBLE_DEVICES": "GPU-9a"}
    assert second.device == "cuda:1"
    assert GpuCard().environment == {}


@pytest.mark.parametrize(
    ("entry", "said", "words"),
    [
        ("5", {"gpu": "GPU-8f1c"}, "5 (GPU-8f1c)"),
        ("5", {}, "5"),
        ("GPU-8f", {"gpu": "GPU-8f1c"}, "GPU-8f"),
        ("MIG-3b5e", {"gpu": "GPU-8f1c"}, "MIG-3b5e"),
        ("", {"gpu": "GPU-8f1c"}, "GPU-8f1c"),
    ],
)
def test_a_record_names_the_card_by_entry_and_uuid(
    entry: str, said: dict[str, str], words: str
) -> None:
    assert GpuCard(entry).where(said)["gpu"] == words
    assert GpuCard().where({}) == {}


def chosen(request: str | None, variable: str | None = None, count: int = 3) -> list[str]:
    visible = visible_cards(variable, count)
    return [c.entry for c in cards_asked_for(request, visible, lambda card: UUIDS[card.position])]


@pytest.mark.parametrize(
    ("asked", "variable", "expected"),
    [
        (None, None, ["0", "1", "2"]),
        ("2", None, ["0", "1"]),
        ("0,2", None, ["0", "2"]),
        ("2,", None, ["2"]),
        ("0,2", "7,5,3", ["7", "3"]),  # numbers count the visible ones, as cuda:N does
        ("GPU-9a", None, ["2"]),
        ("GPU-8f1d-1,GPU-9a00-2", "GPU-8f1c,GPU-8f1d,GPU-9a00", ["GPU-8f1d", "GPU-9a00"]),
        ("MIG-3,MIG-7", "MIG-3b5e,MIG-77aa", ["MIG-3b5e", "MIG-77aa"]),
    ],
)
def test_gpus_are_a_count_or_a_list(
    asked: str | None, variable: str | None, expected: list[str]
) -> None:
    assert chosen(asked, variable) == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("0", "1 to 3"),
        ("4", "1 to 3"),
        ("0,0", "once"),
        ("0,3", r"got '3' beside 0 \(0\), 1 \(1\)"),
        ("GPU-8f", "got 'GPU-8f'"),  # it begins two of them
        ("GPU-77", "got 'GPU-77'"),
        ("-1", "count, or a list"),
        ("", "count, or a list"),
        ("all", "count, or a list"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(asked: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        chosen(asked)
    assert "\n" not in str(caught.value)


def test_a_slice_that_this_process_does_not_reach_cannot_be_the_first() -> None:
    with pytest.raises(UserError, match=r"first visible slice .* set CUDA_VISIBLE_DEVICES"):
        chosen("MIG-77", "MIG-3b5e,MIG-77aa", 1)


def test_without_a_gpu_there_is_nothing_to_choose() -> None:
    with pytest.raises(UserError, match="leave --gpus out"):
        chosen("1", "", 0)
