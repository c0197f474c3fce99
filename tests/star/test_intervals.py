"""Exponents, shares and bends of stars that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scaling_search.star.intervals import (
    allows_exponent,
    allows_share,
    exponent_range,
    share_range,
    shares_of,
    straightness,
)
from tests.star.known import EXPONENTS, POWERS, SHARES, star


def test_without_scatter_the_exponents_are_those_that_made_it() -> None:
    best = star(sd=1e-6).best
    assert best.exponents == pytest.approx(EXPONENTS, rel=0.02)
    assert best.learning == pytest.approx(0.5, rel=0.02)


def test_shares_are_exponents_by_their_powers_in_macs() -> None:
    assert shares_of(np.array(EXPONENTS), POWERS) == pytest.approx(SHARES)
    assert shares_of(np.array([1.0, 2.0]), np.ones(2)) == pytest.approx([1 / 3, 2 / 3])


def test_intervals_hold_what_made_the_star_and_not_all_else() -> None:
    drawn = star(sd=0.002)
    for place, (s, share) in enumerate(zip(EXPONENTS, SHARES, strict=True)):
        exponents, shares = exponent_range(drawn, place), share_range(drawn, place, POWERS)
        assert exponents.holds(s)
        assert exponents.holds(float(drawn.best.exponents[place]))
        assert shares.holds(share)
        assert allows_exponent(drawn, place, s)
        assert allows_share(drawn, place, POWERS, share)
        assert not allows_exponent(drawn, place, 3.9)
        assert not allows_share(drawn, place, POWERS, 0.98)


def test_the_ends_of_an_interval_are_where_the_loss_crosses() -> None:
    drawn = star(sd=0.002)
    found = exponent_range(drawn, 2)
    assert 0 < found.low < found.high < math.inf
    assert allows_exponent(drawn, 2, 1.02 * found.low)
    assert not allows_exponent(drawn, 2, 0.9 * found.low)
    assert not allows_exponent(drawn, 2, 1.1 * found.high)


def test_scores_that_are_luck_alone_leave_everything_open() -> None:
    lucky = star(sd=1.0, seed=1)
    spans = [exponent_range(lucky, place) for place in range(3)]
    assert all(span.low == 0 and math.isinf(span.high) for span in spans)


def test_a_bend_of_one_dimension_is_found_and_one_of_all_is_none() -> None:
    assert straightness(star(sd=0.001, bends=(0.3, 0.0, 0.0))).p_value < 0.001
    assert straightness(star(sd=0.001)).p_value > 0.05
    assert straightness(star(sd=0.001, bends=(0.1, 0.1, 0.1))).p_value > 0.05


def test_without_points_to_spare_there_is_no_answer() -> None:
    few = replace(star(sd=0.002), points=19)
    assert few.freedom == 0
    assert math.isnan(straightness(few).p_value)
    assert math.isinf(exponent_range(few, 0).high)
