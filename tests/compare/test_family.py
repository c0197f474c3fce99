"""The family of given constants, by the bare formula and at a measured cost."""

from __future__ import annotations

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.published import ALPHA, BETA, GAMMA
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.compare.family import family
from scaling_search.cost.analytic import count
from scaling_search.search.resources import meter_of
from scaling_search.search.space import Budget
from tests.search.latencies import SMALL, answered, like_macs

B0, MICRO = zoo.get("efficientnet-b0"), zoo.get("micro")
PAPER = Coefficients(ALPHA, BETA, GAMMA)


def test_phi_0_is_the_base_and_belongs_to_every_method() -> None:
    (base,) = family(B0, PAPER, [0.0], Budget())
    assert base.method == "base"
    assert base.architecture == B0
    assert base.growth == base.growth_target == 1.0


def test_the_papers_constants_really_cost_2_57_at_phi_1() -> None:
    (one,) = family(B0, PAPER, [1.0], Budget(), "nominal")
    assert one.growth_target == 2.0
    assert round(one.growth, 2) == 2.57
    assert one.architecture == scale(B0, PAPER.at(1.0))


@pytest.mark.parametrize("phi", [-1.0, 0.5, 1.0, 2.0, 3.0])
def test_a_measured_family_follows_the_growth_as_near_as_one_pixel_allows(phi: float) -> None:
    (member,) = family(B0, PAPER, [phi], Budget(), "measured")
    side = member.architecture.resolution_px
    target = 2.0**phi * count(B0).macs
    for other in (side - 1, side + 1):
        neighbour = count(member.architecture.fitted(resolution_px=other)).macs
        assert abs(neighbour - target) >= abs(member.cost.macs - target)


def test_a_measured_family_takes_depth_and_width_from_the_formula() -> None:
    nominal, measured = (family(B0, PAPER, [2.0], Budget(), k)[0] for k in ("nominal", "measured"))
    assert nominal.architecture.stages == measured.architecture.stages
    assert nominal.architecture.resolution_px != measured.architecture.resolution_px


def test_a_members_multipliers_make_its_network() -> None:
    for member in family(MICRO, Coefficients(1.2, 1.15, 1.1), [0.5, 1, 1.5, 2, 3], Budget()):
        assert scale(MICRO, member.multipliers) == member.architecture


def test_a_negative_phi_is_smaller_than_the_base() -> None:
    (smaller,) = family(MICRO, Coefficients(1.1, 1.2, 1.1), [-1.0], Budget())
    assert smaller.cost.macs < count(MICRO).macs


def test_no_resolution_is_solved_for_a_budget_of_parameters() -> None:
    (one,) = family(MICRO, Coefficients(1.3, 1.2, 1.1), [1.0], Budget("params"))
    assert one.multipliers.resolution == 1.1


def test_a_family_budgeted_in_memory_follows_the_peak() -> None:
    read = meter_of(Budget("memory"))
    (one,) = family(SMALL, Coefficients(1.1, 1.1, 1.1), [1.0], Budget("memory"))
    assert one.growth == read(one.architecture) / read(SMALL)
    assert abs(one.growth / 2 - 1) < 0.1


def test_a_family_budgeted_in_latency_is_solved_from_timings() -> None:
    point, budget = Coefficients(1.2, 1.15, 1.1), Budget("latency")
    members, asked = answered(
        MICRO, like_macs, lambda read: family(MICRO, point, [0.0, 1.0, 2.0], budget, meter=read)
    )
    for member in members:  # type: ignore[attr-defined]
        assert member.growth == pytest.approx(like_macs(member.architecture) / like_macs(MICRO))
        assert abs(member.growth / 2**member.phi - 1) < 0.06
    assert len(set(asked)) == len(asked) <= 16
