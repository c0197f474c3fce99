"""The family of given constants, by the bare formula and at a measured cost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import Coefficients, scale
from scaling_search.compare.family import family
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.search.candidates import candidates
from scaling_search.search.resources import meter_of
from scaling_search.search.shares import nominal_shares
from scaling_search.search.space import Budget
from tests.search.latencies import answered, like_macs

B0, MICRO = zoo.get("efficientnet-b0"), zoo.get("micro")
PAPER = PAPER_CONSTANTS


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


# Constants that lean on each axis, and the paper's.
RAYS = [
    PAPER,
    Coefficients(1.4, 1.1, 1.1),
    Coefficients(1.1, 1.3, 1.05),
    Coefficients(1.0, 1.2, 1.2),
    Coefficients(1.2, 1.0, 1.3),
]
PHIS = [number / 4 for number in range(-2, 13)]


@pytest.mark.parametrize("name", zoo.network_names())
def test_a_measured_family_walks_along_the_ray_on_every_network(name: str) -> None:
    base = zoo.get(name)
    for ray in RAYS:
        members = family(base, ray, PHIS, Budget(), "measured")
        for member in members:
            if member.architecture != base:  # the nearest may be the base itself
                grown = (member.multipliers.depth, member.multipliers.width)
                on_ray = Coefficients(*grown, member.multipliers.resolution)
                assert nominal_shares(on_ray) == pytest.approx(nominal_shares(ray), abs=1e-3)
        for smaller, larger in pairwise(member.architecture for member in members):
            assert smaller.resolution_px <= larger.resolution_px
            for a, b in zip(smaller.stages, larger.stages, strict=True):
                assert a.repeats <= b.repeats
                assert a.channels <= b.channels


@pytest.mark.parametrize("phi", [-1.0, 0.5, 1.5, 2.0, 3.0])
def test_no_other_point_of_the_ray_comes_nearer_to_the_growth(phi: float) -> None:
    (member,) = family(B0, PAPER, [phi], Budget(tolerance=1e-6), "measured")
    target = 2.0**phi * count(B0).macs
    for step in range(-300, 500):
        other = count(scale(B0, PAPER.at(step / 100))).macs
        assert abs(other - target) >= abs(member.cost.macs - target)


def test_the_constants_own_network_stands_at_phi_1_where_it_keeps_the_tolerance() -> None:
    for candidate in candidates(MICRO, Budget()):
        (member,) = family(MICRO, candidate.coefficients, [1.0], Budget(), "measured")
        assert member.architecture == candidate.architecture


def test_constants_that_scale_nothing_have_no_family_of_another_cost() -> None:
    with pytest.raises(UserError, match="a nominal growth of 1"):
        family(MICRO, Coefficients(1, 1, 1), [1.0], Budget())


def test_a_members_multipliers_make_its_network() -> None:
    for member in family(MICRO, Coefficients(1.2, 1.15, 1.1), [0.5, 1, 1.5, 2, 3], Budget()):
        assert scale(MICRO, member.multipliers) == member.architecture


def test_a_negative_phi_is_smaller_than_the_base() -> None:
    (smaller,) = family(MICRO, Coefficients(1.1, 1.2, 1.1), [-1.0], Budget())
    assert smaller.cost.macs < count(MICRO).macs


def test_a_family_budgeted_in_parameters_follows_them_by_depth_and_width() -> None:
    (one,) = family(B0, PAPER, [2.0], Budget("params"))
    assert count(one.architecture).params / count(B0).params == pytest.approx(4, rel=0.05)
    assert one.multipliers.resolution > 1


def test_a_family_budgeted_in_memory_follows_the_peak() -> None:
    read = meter_of(Budget("memory"))
    (one,) = family(MICRO, Coefficients(1.1, 1.1, 1.1), [1.0], Budget("memory"))
    assert one.growth == read(one.architecture) / read(MICRO)
    assert abs(one.growth / 2 - 1) < 0.1


def test_a_family_budgeted_in_latency_is_solved_from_timings() -> None:
    point, budget = Coefficients(1.2, 1.15, 1.1), Budget("latency")
    members, asked = answered(
        MICRO, like_macs, lambda read: family(MICRO, point, [0.0, 1.0, 2.0], budget, meter=read)
    )
    for member in members:
        assert member.growth == pytest.approx(like_macs(member.architecture) / like_macs(MICRO))
        assert abs(member.growth / 2**member.phi - 1) < 0.07
    assert len(set(asked)) == len(asked) <= 16


def test_a_growth_below_1_shrinks_the_family_along_its_ray() -> None:
    """φ = 1 costs half of the base and φ = 2 a quarter, each axis smaller from φ to φ."""
    budget = Budget(growth=0.5)
    members = family(B0, Coefficients(0.85, 0.9, 0.85), [0.0, 1.0, 2.0], budget)
    macs = [count(each.architecture).macs for each in members]
    assert [each / macs[0] for each in macs] == pytest.approx([1.0, 0.5, 0.25], rel=0.1)
    for small, large in pairwise(reversed(members)):
        assert small.architecture.resolution_px < large.architecture.resolution_px
