"""The budget and the grid: their ranges, and the values of an axis."""

from __future__ import annotations

import math

import pytest

from scaling_search.core.errors import UserError
from scaling_search.search.space import Axis, Budget


def test_an_axis_includes_both_ends_and_carries_no_binary_noise() -> None:
    assert Axis(1.0, 1.5, 0.1).values() == [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    assert Axis(1.0, 1.2, 0.05).values() == [1.0, 1.05, 1.1, 1.15, 1.2]


def test_an_axis_whose_step_does_not_reach_its_end_stops_before_it() -> None:
    assert Axis(1.0, 1.45, 0.2).values() == [1.0, 1.2, 1.4]


def test_an_axis_of_one_value_is_that_value() -> None:
    assert Axis(1.0, 1.0, 0.1).values() == [1.0]


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [(0.0, 1.5, 0.1), (1.2, 1.1, 0.1), (1.0, 1.5, 0.0), (1.0, math.inf, 0.1), (math.nan, 1.5, 0.1)],
)
def test_an_axis_out_of_range_is_refused(low: float, high: float, step: float) -> None:
    with pytest.raises(UserError, match="got"):
        Axis(low, high, step)


@pytest.mark.parametrize("tolerance", [0.0, 0.5, 1.2, -0.1, math.nan])
def test_a_tolerance_outside_0_and_a_half_is_refused(tolerance: float) -> None:
    with pytest.raises(UserError, match=r"growth tolerance must lie in \(0, 0.5\), got"):
        Budget(tolerance=tolerance)


@pytest.mark.parametrize("growth", [1.0, 0.0, -0.5, math.inf, math.nan])
def test_a_growth_that_is_none_is_refused(growth: float) -> None:
    with pytest.raises(UserError, match="growth must be positive, finite and other than 1"):
        Budget(growth=growth)
