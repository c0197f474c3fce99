"""Fidelity as table, picture and sentences."""

from __future__ import annotations

import math
from dataclasses import replace

from scaling_search.report.fidelity import (
    agreement_words,
    fidelity_picture,
    fidelity_table,
    shift_warning,
)
from scaling_search.search.fidelity import Agreement, Compared

AGREED = Agreement(0.81, 0.72, 0.88, 40, 0.9, 0.6, "a", "b", 0.3, 0.0, 1.1)
LENGTH = Compared("length", "fashion", "2 epochs", "8 epochs", AGREED, 40)
GROWTH = Compared(
    "growth", "fashion, larger", "fashion", "larger (8 epochs)",
    replace(AGREED, tau=0.3, low=-0.1, n=12, winner="b"), 30, 0.04,
)  # fmt: skip


def test_the_verdict_says_how_alike_the_orders_are_and_what_the_winner_loses() -> None:
    assert agreement_words(LENGTH) == (
        "fashion: training 2 epochs orders the networks much as 8 epochs do, "
        "τ = 0.81 [0.72, 0.88] over 40 of 40 networks; its winner is 0.3 points [0.0, 1.1] from "
        "the best there, which the evidence can't tell from it."
    )


def test_an_order_that_may_be_chance_is_called_so() -> None:
    assert agreement_words(GROWTH) == (
        "growth: fashion can't be said to order the networks as larger (8 epochs) does, "
        "τ = 0.30 [-0.10, 0.88] over 12 of 30 networks, which differ in 4% of their growth; its "
        "winner is the best there too."
    )
    partly = replace(LENGTH, agreement=replace(AGREED, low=0.2, regret_low=0.1))
    assert "only partly as 8 epochs do" in agreement_words(partly)
    assert "can't tell" not in agreement_words(partly)


def test_too_few_networks_are_said_to_be_too_few() -> None:
    few = replace(GROWTH, agreement=replace(AGREED, tau=math.nan, n=2))
    assert agreement_words(few) == "growth: too few networks in common, 2 of 30."
    assert list(fidelity_table([few]).shown["τ [95\u00a0%]"]) == ["–"]


def test_the_table_has_a_row_a_comparison() -> None:
    table = fidelity_table([LENGTH, GROWTH])
    assert list(table.shown["condition"]) == ["fashion, 2 epochs", "fashion"]
    assert list(table.shown["n"]) == ["40 of 40", "12 of 30"]
    assert list(table.shown["distance"]) == ["–", "0.04"]
    assert set(table.shown["winner's regret (points) [95\u00a0%]"]) == {"0.30 [0.00, 1.10]"}
    assert "0.81,0.72,0.88,40" in table.csv


def test_the_warning_names_both_winners_and_tau() -> None:
    said = shift_warning(LENGTH)
    assert "of the 40 candidates trained both ways, a is best after 2 epochs" in said
    assert "b after 8 epochs (there, the evidence can't tell them apart)" in said
    assert "τ = 0.81 [0.72, 0.88]" in said


def test_the_picture_is_the_same_each_time() -> None:
    assert fidelity_picture([LENGTH, GROWTH]) == fidelity_picture([LENGTH, GROWTH])
