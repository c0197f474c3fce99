"""Requests as values: what is refused, what makes two jobs the same, JSON both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.latency.job import Machine, Regime, TimeBudget
from tests.latency.fakes import ANCHOR, LARGE, SMALL, job


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"batch": 0}, "batch must be at least 1, or plateau, got 0"),
        ({"batch": "all"}, "batch must be at least 1, or plateau, got 'all'"),
        ({"precision": "int8"}, "precision must be one of float32, tf32, bfloat16, float16"),
        ({"mode": "jit"}, "mode must be one of eager, compile, graph"),
        (
            {"task": "training", "precision": "float16", "mode": "graph"},
            "a CUDA graph can't hold the loss scaling of float16 training",
        ),
    ],
)
def test_a_regime_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Regime(**wrong)


@pytest.mark.parametrize("wrong", [{"seconds": 0.0}, {"processes": 0}, {"attempts": 0}])
def test_a_budget_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(wrong))} must be"):
        TimeBudget(**wrong)


def test_each_process_has_its_share_of_the_time() -> None:
    assert TimeBudget(30.0, 3).sitting_seconds == 10.0


def test_a_job_is_the_same_whatever_its_networks_are_called_and_whichever_slot_the_card_has() -> (
    None
):
    asked = job(SMALL, LARGE)
    renamed = replace(asked, networks=(SMALL.with_name("s"), LARGE))
    moved = replace(asked, place=replace(asked.place, device="cuda:1"))
    assert renamed.hash == moved.hash == asked.hash
    assert len(asked.hash) == 16


def test_whatever_a_time_depends_on_makes_another_job() -> None:
    asked = job(SMALL)
    others = (
        replace(asked, networks=(LARGE,)),
        replace(asked, anchor=LARGE),
        replace(asked, regime=Regime(batch=2)),
        replace(asked, budget=TimeBudget(1.0)),
        replace(asked, place=Machine("cpu", "another machine")),
        replace(asked, place=replace(asked.place, threads=2)),
        replace(asked, seed=1),
    )
    assert len({asked.hash, *(each.hash for each in others)}) == len(others) + 1


def test_the_line_up_begins_with_the_anchor() -> None:
    assert job(SMALL, LARGE).line_up == (ANCHOR, SMALL, LARGE)


def test_a_regime_says_itself_in_words() -> None:
    assert Regime().words == "inference, batch 1, float32, channels-last, eager"
    assert Regime("training", "plateau").words.startswith("training, plateau batch")
