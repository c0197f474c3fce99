"""Which networks a grid makes: the paper's constraint and ours, on B0 and by hand."""

from __future__ import annotations

import itertools

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.protocol import Network
from scaling_search.arch.scaling import Coefficients, scale, scale_width
from scaling_search.arch.spec import Architecture
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.memory import peak_memory
from scaling_search.latency.job import Regime
from scaling_search.search.candidates import Candidate, candidates, grid_points
from scaling_search.search.resources import UntimedError, meter_of
from scaling_search.search.space import Axis, Budget, Space
from tests.search.latencies import SMALL, answered, like_macs

B0 = zoo.get("efficientnet-b0")
MICRO = zoo.get("micro")
B0_MACS = count(B0).macs
NOMINAL = Budget(tolerance=0.1, constraint="nominal")


def fitted(candidate: Candidate, px: int) -> Architecture:
    assert isinstance(candidate.architecture, Architecture)
    return candidate.architecture.fitted(resolution_px=px)


@pytest.fixture(scope="module")
def nominal() -> tuple[Candidate, ...]:
    return candidates(B0, NOMINAL)


def test_the_papers_grid_has_108_points_which_are_65_networks(
    nominal: tuple[Candidate, ...],
) -> None:
    assert grid_points(B0, NOMINAL) == 108
    assert len(nominal) == 65
    assert sum(candidate.points for candidate in nominal) == 108


def test_38_of_the_65_differ_by_more_than_their_resolution(nominal: tuple[Candidate, ...]) -> None:
    shapes = {fitted(candidate, 224) for candidate in nominal}
    assert len(shapes) == 38


def test_the_nominal_constraint_lets_the_real_growth_run_from_1_93_to_3_33(
    nominal: tuple[Candidate, ...],
) -> None:
    growths = [candidate.growth for candidate in nominal]
    assert round(min(growths), 2) == 1.93
    assert round(max(growths), 2) == 3.33


def test_5_of_the_108_nominal_points_really_cost_twice_as_much(
    nominal: tuple[Candidate, ...],
) -> None:
    assert sum(c.points for c in nominal if abs(c.growth / 2 - 1) <= 0.05) == 5


def test_under_the_measured_constraint_every_network_costs_what_is_asked() -> None:
    found = candidates(B0, Budget())
    base = count(B0).macs
    assert len(found) == 20
    for candidate in found:
        real = count(scale(B0, candidate.coefficients.at(1))).macs / base
        assert candidate.growth == real
        assert abs(real / 2 - 1) <= 0.05


def test_the_measured_candidates_are_those_that_counting_each_point_finds() -> None:
    space = Space(Axis(1, 2, 0.25), Axis(1, 1.5, 0.1), Axis(1, 1.5, 0.1))
    base = count(MICRO).macs
    expected = {n for n in networks(space) if abs(count(n).macs / base / 2 - 1) <= 0.1}
    found = candidates(MICRO, Budget(tolerance=0.1), space)
    assert {candidate.architecture for candidate in found} == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize("budget", [NOMINAL, Budget(), Budget("activations", 2.0, 0.1)])
def test_every_point_of_a_candidates_box_gives_its_network_unless_nominally_excluded(
    budget: Budget,
) -> None:
    for candidate in candidates(B0, budget):
        for corner in itertools.product(candidate.alpha, candidate.beta, candidate.gamma):
            assert scale(B0, Coefficients(*corner).at(1)) == candidate.architecture


def test_the_names_of_candidates_are_unique_and_say_the_constants(
    nominal: tuple[Candidate, ...],
) -> None:
    assert len({candidate.name for candidate in nominal}) == 65
    point = nominal[0].coefficients
    assert nominal[0].name == f"α{point.alpha:g} β{point.beta:g} γ{point.gamma:g}"


def test_a_space_without_a_candidate_says_the_nearest_growth_and_the_way_out() -> None:
    one = Axis(1.0, 1.0, 0.1)
    with pytest.raises(UserError, match=r"within 0.05 of 2, got 1.000 at the nearest: widen"):
        candidates(MICRO, Budget(), Space(one, one, one))
    with pytest.raises(UserError, match=r"nominal growth .* got 1.000 at the nearest"):
        candidates(MICRO, Budget(constraint="nominal"), Space(one, one, one))


def test_no_resolution_changes_parameters_so_a_parameter_budget_spans_all_of_it() -> None:
    found = candidates(B0, Budget("params", 2.0, 0.1))
    assert {c.cost.params for c in found if c.alpha == found[0].alpha and c.beta == found[0].beta}
    assert len({candidate.architecture.resolution_px for candidate in found}) == 11


def networks(space: Space, base: Architecture = MICRO) -> set[Network]:
    """Every network of the space; of two whose stem of stride 2 makes one map, the finer."""
    axes = (space.alpha.values(), space.beta.values(), space.gamma.values())
    every = {scale(base, Coefficients(*point).at(1)) for point in itertools.product(*axes)}
    sides = {network.resolution_px for network in every}
    return {n for n in every if n.resolution_px % 2 == 0 or n.resolution_px + 1 not in sides}


def test_of_two_sides_with_the_same_maps_the_finer_is_a_candidate() -> None:
    # The stem halves 25 and 26 px to 13 px, 31 and 32 px to 16 px.
    space = Space(Axis(1, 1, 1), Axis(1, 1.5, 0.05), Axis(1, 1.5, 1 / 24))
    sides = {each.architecture.resolution_px for each in candidates(MICRO, Budget(), space)}
    assert sides
    assert all(side % 2 == 0 for side in sides)


def test_an_interval_reaches_from_edge_to_edge_and_not_from_grid_point_to_grid_point() -> None:
    for candidate in candidates(MICRO, Budget(), Space(gamma=Axis(1, 1.5, 0.25))):
        low, high = candidate.beta
        for beyond in (low - 2e-4, high + 2e-4):
            inside = 1.0 <= beyond <= 1.5
            other = scale_width(MICRO, beyond)
            assert not inside or other != scale_width(MICRO, candidate.coefficients.beta)


@pytest.mark.parametrize("regime", [Regime(), Regime("training", batch=8)])
def test_a_memory_budget_admits_the_networks_whose_peak_is_in_tolerance(regime: Regime) -> None:
    space, budget = Space(*[Axis(1, 2, 0.5)] * 3), Budget("memory", tolerance=0.2)

    def peak(network: Network) -> int:
        return peak_memory(network, regime.task, int(regime.batch)).total_bytes

    found = candidates(SMALL, budget, space, meter_of(budget, regime))
    every, base = networks(space, SMALL), peak(SMALL)
    expected = {network for network in every if abs(peak(network) / base / 2 - 1) <= 0.2}
    assert {candidate.architecture for candidate in found} == expected
    assert all(c.growth == peak(c.architecture) / base for c in found)
    assert 0 < len(expected) < len(every)


LATENCY = Budget("latency", tolerance=0.05)
FINE = Space(Axis(1, 2, 0.25), Axis(1, 1.5, 0.1), Axis(1, 2, 0.04))


def test_a_latency_budget_finds_what_timing_every_network_finds() -> None:
    found, asked = answered(MICRO, like_macs, lambda read: candidates(MICRO, LATENCY, FINE, read))
    every, base = networks(FINE), like_macs(MICRO)
    expected = {n for n in every if abs(like_macs(n) / base / 2 - 1) <= 0.05}
    assert {candidate.architecture for candidate in found} == expected
    assert len(set(asked)) == len(asked) < len(every) / 2


@pytest.mark.parametrize(("misread_px", "as_ratio"), [(35, 1.8), (33, 2.2)])
def test_a_bad_reading_at_the_crossing_hides_no_neighbour(misread_px: int, as_ratio: float) -> None:
    space = Space(Axis(1, 1, 0.1), Axis(1, 1, 0.1), Axis(1, 2, 0.04))

    def law(network: Network) -> float:
        px = network.resolution_px  # (34 / 24)² is 2.007; 33 and 35 px are out by right
        return as_ratio if px == misread_px else (px / 24) ** 2

    found, _ = answered(MICRO, law, lambda read: candidates(MICRO, LATENCY, space, read))
    assert [c.architecture.resolution_px for c in found] == [34]


def test_each_network_is_admitted_for_its_own_time() -> None:
    slow = next(c for c in candidates(MICRO, Budget(), FINE)).architecture

    def law(network: Network) -> float:
        return float(count(network).macs) * (10 if network == slow else 1)

    found, _ = answered(MICRO, law, lambda read: candidates(MICRO, LATENCY, FINE, read))
    assert slow not in {c.architecture for c in found}
    assert all(abs(c.growth / 2 - 1) <= 0.05 for c in found)


def test_the_nominal_constraint_times_the_candidates_alone() -> None:
    budget = Budget("latency", tolerance=0.1, constraint="nominal")
    found, asked = answered(MICRO, like_macs, lambda read: candidates(MICRO, budget, None, read))
    assert len(asked) == len(found) == len(candidates(MICRO, NOMINAL))


def test_without_timings_a_latency_budget_names_what_must_be_timed() -> None:
    with pytest.raises(UntimedError, match="a latency budget needs the time of each network"):
        candidates(MICRO, LATENCY, FINE)


def test_a_latency_that_nothing_reaches_says_the_nearest_that_was_timed() -> None:
    one = Axis(1.0, 1.0, 0.1)
    with pytest.raises(UserError, match=r"growth in latency .* got 1.000 at the nearest: widen"):
        answered(MICRO, like_macs, lambda r: candidates(MICRO, LATENCY, Space(one, one, one), r))


@pytest.mark.slow
def test_a_grid_of_a_million_points_keeps_to_the_constraint() -> None:
    space = Space(Axis(1, 1.99, 0.01), Axis(1, 1.99, 0.01), Axis(1, 1.99, 0.01))
    found = candidates(B0, Budget(), space)
    assert len(found) > 300
    assert all(abs(candidate.growth / 2 - 1) <= 0.05 for candidate in found)


def test_below_a_growth_of_1_the_networks_shrink_to_what_is_asked() -> None:
    """Half of B0: each axis alone and their mixtures, none above the base in anything."""
    space = Space(Axis(0.5, 1.0, 0.05), Axis(0.65, 1.0, 0.05), Axis(0.7, 1.0, 0.05))
    found = candidates(B0, Budget(growth=0.5, tolerance=0.05), space)
    assert len(found) > 10
    assert all(abs(count(each.architecture).macs / B0_MACS / 0.5 - 1) <= 0.05 for each in found)
    assert all(
        max(each.coefficients.at(1).depth, each.architecture.resolution_px / 224) <= 1
        for each in found
    )
    assert all(sum(each.shares) == pytest.approx(1) and min(each.shares) >= 0 for each in found)
