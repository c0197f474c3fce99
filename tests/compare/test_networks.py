"""Each network once, with the error of all; a method's accuracy at another cost."""

from __future__ import annotations

import math

import pytest

from scaling_search.compare.networks import Networks, less
from tests.compare.runs import runs_of

BASE, COMPOUND, DEPTH = ("base", 0.0), ("compound", 1.0), ("depth", 1.0)
TOP1 = {BASE: [60.0, 61.0, 62.0], COMPOUND: [70.0, 72.0, 74.0], DEPTH: [64.0, 65.0, 66.0]}


def test_a_mean_has_the_error_of_all_networks() -> None:
    # Squares 2, 8 and 2 over six degrees of freedom: variance 2, t₆ = 2.446912.
    interval = Networks.of(runs_of(TOP1)).interval(DEPTH)
    assert interval.mean == pytest.approx(65.0)
    assert interval.n == 3
    assert interval.high - 65.0 == pytest.approx(2.446912 * math.sqrt(2 / 3), rel=1e-6)


def test_a_single_run_has_no_interval_though_the_others_scatter_is_known() -> None:
    interval = Networks.of(runs_of({**TOP1, DEPTH: [65.0]})).interval(DEPTH)
    assert interval.mean == pytest.approx(65.0)
    assert math.isnan(interval.low)


def test_what_did_not_finish_counts_for_nothing() -> None:
    runs = runs_of(TOP1)
    runs.loc[runs["method"] == "depth", ["status", "test_top1"]] = ("diverged", math.nan)
    networks = Networks.of(runs)
    assert networks.count(DEPTH) == 0
    assert math.isnan(networks.interval(DEPTH).mean)
    assert networks.scatter.freedoms.max() == 4


def test_a_network_that_two_methods_share_is_counted_once() -> None:
    runs = runs_of({**TOP1, DEPTH: TOP1[COMPOUND]})
    runs.loc[runs["method"] == "depth", "fingerprint"] = "compound 1"
    networks = Networks.of(runs)
    assert networks.places[DEPTH] == networks.places[COMPOUND]
    assert networks.scatter.freedoms.max() == 4


def test_the_same_network_under_another_recipe_is_another() -> None:
    runs = runs_of(TOP1)
    runs.loc[runs["method"] == "depth", ["fingerprint", "recipe"]] = ["compound 1", "other"]
    assert len(Networks.of(runs).samples) == 3


def at_cost(growth: float, growths: dict[tuple[str, float], float]) -> dict[str, float]:
    """The weights of depth's networks and the base at a cost, by method and φ."""
    top1 = {key: [50.0, 51.0] for key in (BASE, *growths)}
    networks = Networks.of(runs_of(top1, growths))
    named = {place: f"{method} {phi:g}" for (method, phi), place in networks.places.items()}
    weights = networks.at_cost("depth", 1.0, growth)
    return {named[place]: weight for place, weight in weights.items()}


def test_at_its_own_cost_a_network_stands_for_itself() -> None:
    assert at_cost(2.0, {DEPTH: 2.0, ("depth", 2.0): 4.0}) == {"depth 1": 1.0}


def test_between_two_networks_accuracy_is_linear_in_the_logarithm_of_cost() -> None:
    # 2^1.25 lies a quarter of the way from 2 to 4.
    found = at_cost(2.0**1.25, {DEPTH: 2.0, ("depth", 2.0): 4.0})
    assert found == pytest.approx({"depth 1": 0.75, "depth 2": 0.25})


def test_below_the_smallest_rival_the_base_is_on_its_line() -> None:
    found = at_cost(2.0**0.75, {DEPTH: 2.0, ("depth", 2.0): 4.0})
    assert found == pytest.approx({"base 0": 0.25, "depth 1": 0.75})


def test_beyond_the_largest_the_line_through_the_nearest_two_goes_on() -> None:
    found = at_cost(2.0**2.5, {DEPTH: 2.0, ("depth", 2.0): 4.0})
    assert found == pytest.approx({"depth 1": -0.5, "depth 2": 1.5})


def test_networks_of_nearly_one_cost_give_no_slope() -> None:
    found = at_cost(2.0**1.25, {DEPTH: 2.0, ("depth", 1.1): 2.05, ("depth", 2.0): 4.0})
    assert found == pytest.approx({"depth 1": 0.75, "depth 2": 0.25})


def test_without_another_network_a_rival_is_taken_as_it_is() -> None:
    networks = Networks.of(runs_of({DEPTH: [65.0, 66.0], COMPOUND: [70.0, 71.0]}))
    assert networks.at_cost("depth", 1.0, 3.0) == {networks.places[DEPTH]: 1.0}


def test_a_difference_of_combinations_takes_weight_by_weight() -> None:
    assert less({0: 1.0}, {1: 0.75, 0: 0.25}) == {0: 0.75, 1: -0.75}
