"""Laws of runs: grouped, refused, predicted, and checked by the largest network."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.run_comparison import RunComparison, read_comparison
from scaling_search.law.laws import laws, too_few
from scaling_search.law.report import law_picture, law_sentences, law_table
from scaling_search.law.sizes import Sizes, sizes_of
from tests.compare.runs import runs_of

RESULTS = Path(__file__).parents[2] / "results"
PHIS = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
BASE_MACS = 2_000_000


@cache
def committed(name: str) -> RunComparison:
    return read_comparison(RESULTS / name)


def error(phi: float, exponent: float = 0.4) -> float:
    return 0.2 + 0.2 * math.pow(2.0, -exponent * phi)


def made(bend: float = 0.0, sd: float = 0.003, phis: tuple[float, ...] = PHIS) -> RunComparison:
    """A run of compound networks along a law; the largest lies `bend` above it."""
    rng = np.random.default_rng(2)
    top1 = {}
    for phi in phis:
        off = bend if phi == max(phis) else 0.0
        errors = error(phi) + off + sd * rng.normal(size=4)
        top1["base" if phi == 0 else "compound", phi] = [100 * (1 - each) for each in errors]
    runs = runs_of(top1)
    runs = runs.assign(macs=(BASE_MACS * runs["growth"]).astype(int))
    return replace(committed("cifar10"), runs=runs)


def test_a_run_gives_each_methods_networks_by_rising_macs() -> None:
    found = sizes_of([("cifar10", committed("cifar10"))])
    assert [each.method for each in found] == ["compound", "depth", "width", "resolution", "paper"]
    compound = found[0]
    assert compound.macs == (2_260_480, 4_481_624, 9_292_360)
    assert compound.counts == (8, 8, 8)
    assert compound.errors == pytest.approx((0.535075, 0.504575, 0.4732375))
    assert np.mean(compound.weights) == pytest.approx(1)
    assert compound.chance == 0.9
    assert not compound.is_near_chance


def test_alike_runs_are_taken_together_and_others_are_not() -> None:
    whole = committed("cifar10")
    first = replace(whole, runs=whole.runs[whole.runs["phi"] < 2])
    (compound, *_) = sizes_of([("a", first), ("b", whole)])
    assert (compound.runs, compound.counts) == ("a + b", (8, 8, 8))
    apart = sizes_of([("a", whole), ("f", committed("fashion-mnist"))])
    assert [each.runs for each in apart] == ["a"] * 5 + ["f"] * 5


def test_a_law_that_holds_predicts_its_largest_network() -> None:
    (fitted,) = laws(sizes_of([("made", made())]))
    assert fitted.exponent.holds(0.4)
    assert fitted.floor is not None
    assert fitted.floor.holds(0.2)
    assert fitted.held_out is not None
    assert fitted.held_out.holds
    assert abs(fitted.held_out.miss) < 0.01
    for predicted, phi in zip(fitted.predicted, (4, 5), strict=True):
        assert predicted.macs == BASE_MACS * 2**phi
        assert predicted.range.holds(error(phi))


def test_a_law_that_bends_is_found_out_by_its_largest_network() -> None:
    (fitted,) = laws(sizes_of([("made", made(bend=0.04))]))
    assert fitted.held_out is not None
    assert not fitted.held_out.holds
    assert fitted.held_out.miss > 0.03
    assert "a miss that chance alone makes once in 20" in law_sentences([fitted])[0]


def test_three_sizes_are_too_few() -> None:
    every = sizes_of([("cifar10", committed("cifar10"))])
    with pytest.raises(UserError, match=r"needs networks of 4 sizes of a method, got 3: compare"):
        laws(every)
    assert too_few(every)[0] == "compound scaling has 3 sizes, a law needs 4"


def test_beyond_four_times_the_largest_nothing_is_predicted() -> None:
    every = sizes_of([("made", made())])
    assert laws(every, [64e6])[0].predicted[0].macs == 64e6
    for macs in (65e6, 0.4e6):
        with pytest.raises(UserError, match=r"to 4 times the largest, 5e\+05 to 6.4e\+07 MACs"):
            laws(every, [macs])


def test_with_four_sizes_none_is_left_out() -> None:
    (fitted,) = laws(sizes_of([("made", made(phis=PHIS[1:5]))]))
    assert fitted.held_out is None
    assert "too few sizes" in law_sentences([fitted])[0]


def test_a_check_that_checks_nothing_is_no_support() -> None:
    every = sizes_of([("made", made(sd=0.1, phis=PHIS[:5]))])
    assert "leave open what the largest network reaches" in law_sentences(laws(every))[0]


def test_near_chance_the_law_that_bends_towards_it_is_taken() -> None:
    fallen = 2.0 * 2.0 ** -np.arange(6.0)
    errors = tuple(((0.2 + 0.9 * fallen) / (1 + fallen) + 1e-4 * np.array([1, -1] * 3)).tolist())
    macs = tuple(int(1e6 * 2**step) for step in range(6))
    sizes = Sizes("made", "compound", macs, errors, (1.0,) * 6, (3,) * 6, 0.9)
    assert not sizes.is_near_chance
    near = replace(sizes, chance=0.8)
    assert near.is_near_chance  # 33 % right is less than three times 20 %
    (fitted,) = laws([near])
    assert fitted.law.chance == 0.8
    assert fitted.floor is None
    assert "M4" in set(law_table([fitted]).numbers["form"])


def test_table_and_picture_say_the_same_again_and_again() -> None:
    found = laws(sizes_of([("made", made())]))
    table = law_table(found)
    assert table.numbers["sizes"].tolist() == [6, 6]
    assert table.numbers["predicted_low_percent"].lt(table.numbers["predicted_percent"]).all()
    assert isinstance(table.numbers, pd.DataFrame)
    assert law_picture(found).svg == law_picture(found).svg
