"""The sentence for each φ: it says what the table of gains shows, and no more."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scaling_search.compare.sentences import verdict_sentences
from tests.compare.runs import Key, runs_of

BASE, COMPOUND = ("base", 0.0), ("compound", 1.0)
DEPTH, WIDTH, RESOLUTION = ("depth", 1.0), ("width", 1.0), ("resolution", 1.0)


def sentence(top1: dict[Key, list[float]], **changes: Any) -> str:
    (said,) = verdict_sentences(runs_of({BASE: [60.0, 60.2, 60.4], **top1}, **changes))
    return said


def test_a_rival_that_wins_is_called_the_best() -> None:
    said = sentence({COMPOUND: [80.0, 80.2, 80.4], RESOLUTION: [90.0, 90.2, 90.4]})
    # sd 0.2, t₆ = 2.446912: 0.2 · √(2/3) · 2.446912 = 0.3996.
    assert said == (
        "At 2 × the base's cost (φ = 1), resolution alone is best here, 10.0 points (95 % interval "
        "9.6 to 10.4, n = 3) above compound scaling (80.2 % test top-1)."
    )


def test_compound_that_wins_is_held_against_the_nearest() -> None:
    nearest = {DEPTH: [80.0, 80.2, 80.4], WIDTH: [70.0, 70.2, 70.4]}
    said = sentence({COMPOUND: [90.0, 90.2, 90.4], **nearest})
    assert "compound scaling (90.2 % test top-1) is best here, 10.0 points" in said
    assert said.endswith("above depth alone.")


def test_no_difference_is_a_result() -> None:
    said = sentence({COMPOUND: [80.0, 82.0, 81.0], WIDTH: [81.0, 80.0, 82.0]})
    assert said == (
        "At 2 × the base's cost (φ = 1), no difference found between compound scaling (81.0 % test "
        "top-1) and width alone."
    )


def test_of_several_without_a_difference_none_is_told_from_compound() -> None:
    level = {DEPTH: [80.5, 81.5, 82.5], WIDTH: [81.0, 80.0, 82.0]}
    said = sentence({COMPOUND: [80.0, 82.0, 81.0], **level})
    assert "test top-1) and any of depth alone and width alone." in said


def test_equivalence_is_stated_where_it_is_shown() -> None:
    seeds = 6
    said = sentence({COMPOUND: [80.0, 80.1, 80.2] * seeds, WIDTH: [80.1, 80.0, 80.2] * seeds})
    assert "compound scaling (80.1 % test top-1) equals width alone within 0.5 points." in said


def test_better_worse_and_neither_are_told_apart() -> None:
    said = sentence(
        {
            COMPOUND: [80.0, 82.0, 81.0],
            DEPTH: [60.0, 61.0, 62.0],
            WIDTH: [81.0, 80.0, 81.5],
            RESOLUTION: [90.0, 91.0, 92.0],
        }
    )
    assert said == (
        "At 2 × the base's cost (φ = 1), compound scaling (81.0 % test top-1) is better than depth "
        "alone and is worse than resolution alone; no difference found between it and width alone."
    )


def test_the_one_that_beats_compound_which_beats_the_rest_is_the_best() -> None:
    said = sentence(
        {
            COMPOUND: [80.0, 82.0, 81.0],
            DEPTH: [60.0, 61.0, 62.0],
            RESOLUTION: [90.0, 91.0, 92.0],
        }
    )
    assert "resolution alone is best here, 10.0 points" in said


def test_unequal_numbers_of_seeds_are_both_named() -> None:
    said = sentence({COMPOUND: [90.0, 90.2, 90.4], DEPTH: [80.0, 80.2]})
    assert "n = 3 and 2)" in said


def test_single_runs_are_said_to_prove_nothing() -> None:
    (said,) = verdict_sentences(runs_of({BASE: [60.0], COMPOUND: [80.0], WIDTH: [70.0]}))
    assert "compound scaling has the highest test top-1, but a single run proves nothing." in said
    (said,) = verdict_sentences(runs_of({BASE: [60.0], COMPOUND: [70.0], WIDTH: [80.0]}))
    assert "width alone has the highest test top-1, but" in said


def test_what_can_not_be_compared_is_named_beside_what_can() -> None:
    runs = runs_of(
        {BASE: [60.0, 61.0], COMPOUND: [90.0, 91.0], DEPTH: [70.0, 71.0], WIDTH: [70.0, 71.0]}
    )
    runs.loc[runs["method"] == "width", ["status", "test_top1"]] = ("diverged", math.nan)
    (said,) = verdict_sentences(runs)
    assert "is best here" in said
    assert said.endswith("above depth alone; width alone can't be compared.")


def test_one_method_alone_is_not_compared() -> None:
    said = sentence({COMPOUND: [80.0, 81.0]})
    assert said == (
        "At 2 × the base's cost (φ = 1), only compound scaling was trained (80.5 % test top-1), so "
        "nothing is compared."
    )


def test_compound_scaling_that_never_finished_leaves_nothing_to_compare() -> None:
    runs = runs_of({BASE: [60.0, 61.0], COMPOUND: [90.0, 91.0], DEPTH: [70.0, 71.0]})
    runs.loc[runs["method"] == "compound", ["status", "test_top1"]] = ("diverged", math.nan)
    (said,) = verdict_sentences(runs)
    assert "no training of compound scaling finished, so nothing is compared." in said


def test_a_rival_that_is_the_compound_network_itself_is_named_so_and_not_compared() -> None:
    values = [80.0, 82.0]
    runs = runs_of({BASE: [60.0, 61.0], COMPOUND: values, WIDTH: values, DEPTH: [70.0, 71.0]})
    runs.loc[runs["method"] == "width", "fingerprint"] = "compound 1"
    (said,) = verdict_sentences(runs)
    assert "compound scaling (81.0 % test top-1; here the same network as width alone)" in said
    assert "no difference" not in said


@pytest.mark.parametrize(("apart", "percent"), [(0.04, "4"), (0.002, "less than 1")])
def test_a_near_twin_is_named_with_what_is_left_between_them(apart: float, percent: str) -> None:
    said = sentence(
        {COMPOUND: [80.0, 82.0, 80.7], RESOLUTION: [81.0, 80.0, 82.0]},
        shares={"compound": (0.0, apart, 1 - apart)},
    )
    rest = f"here resolution alone but for {percent} % of the growth"
    assert f"(80.9 % test top-1; {rest})" in said


def test_constants_of_the_users_own_are_named() -> None:
    said = sentence({COMPOUND: [80.0, 80.2, 80.4], ("mine", 1.0): [90.0, 90.2, 90.4]})
    assert "the constants “mine” is best here" in said


def test_no_runs_make_no_sentence() -> None:
    assert verdict_sentences(runs_of({BASE: [60.0]}).iloc[:0]) == []
    assert verdict_sentences(runs_of({BASE: [60.0, 61.0]})) == []
