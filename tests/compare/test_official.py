"""The formula beside the official family."""

from __future__ import annotations

import math

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients, Multipliers
from scaling_search.compare.official import best_phi, formula_row, official_rows, side_by_side
from scaling_search.core.errors import UserError

PAPER = Coefficients(1.2, 1.1, 1.15)
B0 = zoo.get("efficientnet-b0")


@pytest.mark.parametrize("phi", [-1.5, 0.0, 0.5, 7.0])
def test_multipliers_of_the_formula_are_fitted_by_their_own_phi(phi: float) -> None:
    fitted, distance = best_phi(PAPER.at(phi), PAPER)
    assert fitted == pytest.approx(phi)
    assert distance == pytest.approx(1)


def test_no_other_phi_is_nearer_in_logarithms() -> None:
    official = Multipliers(1.8, 1.4, 380 / 224)
    phi, distance = best_phi(official, PAPER)

    def off(phi: float) -> float:
        m, c = official, PAPER.at(phi)
        pairs = ((m.depth, c.depth), (m.width, c.width), (m.resolution, c.resolution))
        return math.sqrt(sum(math.log(a / b) ** 2 for a, b in pairs) / 3)

    assert off(phi) == pytest.approx(math.log(distance))
    assert off(phi) < min(off(phi - 0.01), off(phi + 0.01))


def test_constants_that_scale_nothing_fit_nothing() -> None:
    with pytest.raises(UserError, match="they scale nothing"):
        best_phi(Multipliers(2, 2, 2), Coefficients(1, 1, 1))


def test_the_officials_rise_from_phi_0_to_below_7() -> None:
    rows = official_rows(PAPER)
    assert [row.network for row in rows] == [f"efficientnet-b{k}" for k in range(8)]
    phis = [row.phi for row in rows]
    assert phis == sorted(phis)
    assert [round(phi, 2) for phi in phis] == [0, 0.44, 1.02, 1.93, 3.45, 4.65, 5.66, 6.63]
    assert all(row.distance < 1.07 for row in rows)
    assert rows[7].growth == pytest.approx(37_745_884_192 / 385_814_752)


def test_a_row_of_the_formula_is_the_scaled_network() -> None:
    row = formula_row(B0, PAPER, 1)
    assert row.repeats == (2, 3, 3, 4, 4, 5, 2)
    assert row.channels == (16, 24, 48, 88, 120, 208, 352)
    assert row.px == 258
    assert row.nominal_growth == pytest.approx(PAPER.nominal_growth)
    assert row.growth == pytest.approx(2.57, abs=0.005)


def test_fractional_and_negative_phis_stand_in_the_table_and_officials_beside_them() -> None:
    table = side_by_side(B0, PAPER, [-1, 0, 0.5])
    assert [row.phi for row in table.formula] == [-1, 0, 0.5]
    assert table.formula[0].growth < 1 == table.formula[1].growth < table.formula[2].growth
    assert [row.phi for row in table.nearest] == [row.phi for row in table.official]
    assert len(table.official) == 8


def test_another_base_has_no_officials() -> None:
    table = side_by_side(zoo.get("micro"), PAPER, [0, 1])
    assert len(table.formula) == 2
    assert table.official == table.nearest == ()
