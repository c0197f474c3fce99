"""Limits and accuracies as people write them."""

from __future__ import annotations

import pytest

from scaling_search.core.errors import UserError
from scaling_search.recommend.goal import Limits, accuracy_goal, quantity, spelled


@pytest.mark.parametrize(
    ("text", "value"),
    [("2G", 2e9), ("2.5M", 2.5e6), ("300k", 3e5), ("2K", 2e3), ("1000", 1e3), ("1GB", 1e9)],
)
def test_quantities_are_read_with_their_prefix(text: str, value: float) -> None:
    assert quantity(text, "macs") == value


@pytest.mark.parametrize("text", ["", "2X", "-3M", "1e9", "two", "1g"])
def test_other_texts_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="macs must look like 2G, 5M, 300k or 1000"):
        quantity(text, "macs")


@pytest.mark.parametrize("value", [0, 1, 90, -0.5])
def test_an_accuracy_is_a_fraction(value: float) -> None:
    with pytest.raises(UserError, match="is a fraction, in"):
        accuracy_goal(value)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="a limit of macs must be above 0"):
        Limits(macs=0)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("macs", 4_481_624, "4.48 M MACs"),
        ("macs", 999_900_000, "1 G MACs"),
        ("params", 640, "640 parameters"),
        ("memory", 606_000, "606 kB of memory"),
        ("latency_ms", 5.0, "5 ms"),
    ],
)
def test_costs_are_spelled_with_their_unit(name: str, value: float, text: str) -> None:
    assert spelled(name, value) == text


def test_limits_are_spelled_together() -> None:
    assert Limits(macs=2e9, params=5e6).words == "at most 2 G MACs and 5 M parameters"
