"""Rivals beyond single axes: their networks, their cost, and every mistake in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.paper import PAPER_CONSTANTS
from scaling_search.arch.scaling import AxisName, Coefficients, Multipliers, scale
from scaling_search.compare.family import family
from scaling_search.compare.rival_names import RAYS, RIVAL_NAMES
from scaling_search.compare.rivals import (
    NamedConstants,
    Rival,
    check_official,
    check_rivals,
    read_rivals,
    rival_member,
)
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.search.equal_cost import matched
from scaling_search.search.shares import nominal_shares
from scaling_search.search.space import Budget

B0, SMALL, MICRO = (zoo.get(n) for n in ("efficientnet-b0", "efficientnet-b0-small", "micro"))
BUDGET = Budget()
MINE = NamedConstants("mine", 1.1, 1.2, 1.1)


@pytest.mark.parametrize("rival", ["depth", "width", "resolution"])
def test_a_single_axis_is_grown_to_the_cost_asked_for(rival: AxisName) -> None:
    member = rival_member(MICRO, BUDGET, rival, 2.0)
    multipliers = matched(MICRO, rival, 4 * count(MICRO).macs, BUDGET)
    assert (member.method, member.multipliers) == (rival, multipliers)
    assert max(member.shares) == pytest.approx(1.0)


@pytest.mark.parametrize("rival", ["paper", "fast", MINE])
@pytest.mark.parametrize("phi", [1.0, 2.0, 3.0])
def test_constants_are_grown_along_their_ray_to_the_cost_asked_for(
    rival: Rival, phi: float
) -> None:
    member = rival_member(B0, BUDGET, rival, phi)
    m = member.multipliers
    ray = RAYS[rival] if isinstance(rival, str) else rival.coefficients
    grown = nominal_shares(Coefficients(m.depth, m.width, m.resolution))
    assert grown == pytest.approx(nominal_shares(ray), abs=1e-3)
    assert member.growth == pytest.approx(2.0**phi, rel=0.1)
    assert member.architecture == scale(B0, m)


def test_the_papers_rival_is_the_measured_family_of_the_papers_constants() -> None:
    (one,) = family(B0, PAPER_CONSTANTS, [2.0], BUDGET)
    assert rival_member(B0, BUDGET, "paper", 2.0).architecture == one.architecture


def test_fast_scaling_gives_width_eight_tenths_of_the_growth() -> None:
    assert nominal_shares(RAYS["fast"]) == pytest.approx((0.1, 0.8, 0.1))
    assert RAYS["fast"].nominal_growth == pytest.approx(2.0)


def test_the_official_networks_are_b1_to_b7_to_the_integer() -> None:
    for phi in range(1, 8):
        member = rival_member(B0, BUDGET, "official", float(phi))
        official = zoo.get(f"efficientnet-b{phi}")
        assert member.architecture == replace(official, dropout=B0.dropout)
        assert member.growth == count(official).macs / count(B0).macs


def test_on_small_images_the_official_networks_keep_their_multipliers() -> None:
    member = rival_member(SMALL, BUDGET, "official", 4.0)
    assert member.multipliers == Multipliers(1.8, 1.4, 380 / 224)
    assert member.architecture.resolution_px == round(32 * 380 / 224)


def test_the_rivals_of_a_text_are_names_and_constants() -> None:
    read = read_rivals("depth, paper,mine=1.1/1.2/1.1")
    assert read == ("depth", "paper", MINE)
    assert read_rivals(",".join(RIVAL_NAMES)) == RIVAL_NAMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("deph", "a rival is one of depth, .*got 'deph': did you mean depth?"),
        ("quick", "got 'quick': give its constants as a table"),
        ("paper,paper", "each rival is named once"),
        ("mine=1.1/1.2", "are name=ALPHA/BETA/GAMMA, got 'mine=1.1/1.2': try mine=1.2/1.1/1.15"),
        ("mine=1.1/1.2/x", "are name=ALPHA/BETA/GAMMA"),
        ("depth=1.1/1.2/1.1", "need a name of their own, got 'depth'"),
        ("compound=1.1/1.2/1.1", "need a name of their own, got 'compound'"),
        ("my own=1.1/1.2/1.1", "a rival's name is made of letters"),
        ("mine=1/1/1", "α·β²·γ² of 'mine' must be greater than 1, got 1.0"),
        ("mine=-1/1/1", "alpha must be a positive number, got -1.0"),
    ],
)
def test_a_mistake_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", r"\?")) as caught:
        read_rivals(text)
    assert "\n" not in str(caught.value)


def test_two_constants_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="each rival is named once"):
        check_rivals((MINE, replace(MINE, alpha=1.3)))


@pytest.mark.parametrize(
    ("base", "phis", "growth", "said"),
    [
        ("micro", (1.0,), 2.0, "are grown from efficientnet-b0 or efficientnet-b0-small, got 'mi"),
        ("efficientnet-b0", (0.0, 0.5), 2.0, r"stand at φ = 1 to 7, got \[0.5\]"),
        ("efficientnet-b0", (1.0, 8.0), 2.0, r"stand at φ = 1 to 7, got \[8.0\]"),
        ("efficientnet-b0", (1.0,), 4.0, "double with each φ: growth is 2, got 4.0"),
    ],
)
def test_the_official_networks_are_refused_where_they_do_not_stand(
    base: str, phis: tuple[float, ...], growth: float, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        check_official(base, phis, growth)
    check_official("efficientnet-b0-small", (0.0, 1.0, 7.0), 2.0)
