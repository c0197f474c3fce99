"""Which cost explains time, on times that were made to follow one of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection

import pytest

from scaling_search.arch import zoo
from scaling_search.core.errors import UserError
from scaling_search.cost.analytic import count
from scaling_search.cost.latency_model import TimedNetwork, explain, variants


def points(
    law: Callable[[int, int], float], noise: float = 0.02, axes: Collection[str] | None = None
) -> list[TimedNetwork]:
    rng = random.Random(1)
    found = []
    for axis, network in variants(zoo.get("efficientnet-b0")):
        cost = count(network)
        ms = law(cost.macs, cost.activations) * math.exp(rng.gauss(0, noise))
        if axes is None or axis in axes:
            found.append(TimedNetwork(network.name, axis, cost.macs, cost.activations, ms))
    return found


def test_times_that_follow_activations_are_explained_by_activations() -> None:
    found = explain(points(lambda macs, acts: 1e-6 * acts**0.9), "a GPU", "batch 64")
    assert found.winner == "activations"
    assert found.activations.exponents[0] == pytest.approx(0.9, abs=0.05)
    assert found.activations.lows[0] < 0.9 < found.activations.highs[0]
    assert found.activations.held_out_percent < 5 < found.macs.held_out_percent
    assert found.both.exponents == pytest.approx((0.0, 0.9), abs=0.06)


def test_times_that_follow_macs_are_explained_by_macs() -> None:
    found = explain(points(lambda macs, acts: 1e-8 * macs), "a CPU", "batch 1")
    assert found.winner == "macs"
    assert found.macs.exponents[0] == pytest.approx(1.0, abs=0.03)
    assert found.macs.factor_ms == pytest.approx(1e-8, rel=0.5)
    assert found.sentence.startswith("On a CPU, MACs explain time better than activations (held-")
    assert f"{len(points(lambda m, a: 1.0))} networks, batch 1" in found.sentence


def test_times_between_the_two_are_given_to_neither() -> None:
    found = explain(points(lambda macs, acts: 1e-7 * (macs * acts) ** 0.5), "a CPU", "batch 1")
    assert found.winner == "neither"
    assert "neither MACs nor activations" in found.sentence
    assert found.both.held_out_percent < found.macs.held_out_percent


def test_compound_networks_alone_can_not_tell_the_two_apart() -> None:
    growths = (1.25, 1.5, 2, 2.5, 3, 4, 5, 6)
    family = [a for axis, a in variants(zoo.get("efficientnet-b0"), growths) if axis == "compound"]
    rng = random.Random(2)
    costs = [(a.name, count(a)) for a in family]
    alike = [
        TimedNetwork(
            name, "compound", c.macs, c.activations, c.macs / 1e7 * math.exp(rng.gauss(0, 0.1))
        )
        for name, c in costs
    ]
    found = explain(alike, "a CPU", "batch 1")
    assert found.correlation > 0.98
    assert found.winner == "neither"
    assert "the two rise together" in found.sentence


def test_single_axis_variants_break_the_tie() -> None:
    found = explain(points(lambda macs, acts: 1.0 * macs), "a CPU", "batch 1")
    assert found.correlation < 0.98


def test_a_whole_direction_is_left_out_at_a_time() -> None:
    """Times of one direction alone are off: the misses there must be those of a fit without it."""
    odd = [
        TimedNetwork(
            p.network, p.axis, p.macs, p.activations, p.macs * (2.0 if p.axis == "width" else 1)
        )
        for p in points(lambda macs, acts: 1.0, noise=0)
    ]
    errors = explain(odd, "a CPU", "batch 1").macs.errors
    width = [e for e, p in zip(errors, odd, strict=True) if p.axis == "width"]
    assert width == pytest.approx([math.log(2)] * len(width), abs=1e-6)


def test_variants_grow_one_dimension_each_to_about_the_same_macs() -> None:
    base = zoo.get("efficientnet-b0")
    found = variants(base, (2.0, 4.0))
    assert [axis for axis, _ in found] == [
        "base",
        *("depth", "width", "resolution", "compound") * 2,
    ]
    growth = [count(network).macs / count(base).macs for _, network in found]
    assert all(1.5 < g < 3.0 for g in growth[1:5])
    assert all(3.0 < g < 6.0 for g in growth[5:])
    depth, width, resolution = (network for _, network in found[1:4])
    assert depth.resolution_px == width.resolution_px == 224
    assert [s.repeats for s in width.stages] == [s.repeats for s in base.stages]
    assert [s.channels for s in resolution.stages] == [s.channels for s in base.stages]


def test_too_few_networks_are_refused() -> None:
    with pytest.raises(UserError, match="a fit of time needs at least 6 networks, got 5"):
        explain(points(lambda macs, acts: 1.0)[:5], "a CPU", "batch 1")
