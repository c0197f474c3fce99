"""Networks smaller than the base: what can't be made is told before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import Member, family
from scaling_search.compare.law_phis import LAW_PHIS
from scaling_search.compare.rivals import rival_member
from scaling_search.core.errors import UserError
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.planned_sizes import check_reached
from scaling_search.experiment.planning import plan_run
from scaling_search.experiment.study import Study
from scaling_search.jobs.ledger import Ledger
from scaling_search.search.space import Budget
from tests.tiny import TINY

PAPER = Coefficients(1.2, 1.1, 1.15)
NANO = zoo.get("nano")
DOUBLE = Budget()


def compound(*phis: float, budget: Budget = DOUBLE) -> tuple[Member, ...]:
    return family(NANO, PAPER, [0.0, *phis], budget)


def compared(**changes: object) -> Study:
    plan = replace(TINY.compare, constants=PAPER, rivals=(), epochs=1, seeds=1)
    return replace(TINY, base="nano", compare=replace(plan, **changes))  # type: ignore[arg-type]


def test_half_steps_down_to_a_quarter_are_networks_of_their_own() -> None:
    smaller = compound(*(phi for phi in LAW_PHIS if phi))
    check_reached(smaller, growth=2.0)
    assert len({each.architecture.fingerprint for each in smaller}) == 9


def test_a_base_that_shrinks_no_further_names_the_sizes_and_how_far_it_goes() -> None:
    with pytest.raises(UserError, match=r"^each φ below .* got φ = -8 of compound scaling, whose "):
        check_reached(compound(-8, -7), growth=2.0)


def test_a_rival_that_can_not_shrink_is_to_be_left_out() -> None:
    # One block a stage is the least there is: depth alone makes nothing much smaller.
    shallow = rival_member(NANO, DOUBLE, "depth", -2)
    with pytest.raises(
        UserError, match=r"got φ = -2 of depth alone, .*leave the rival 'depth' out"
    ):
        check_reached([*compound(), shallow], growth=2.0)


def test_what_grows_is_not_asked() -> None:
    same = replace(compound(1)[1], phi=2.0)
    check_reached([*compound(1), same], growth=2.0)


def test_a_growth_below_one_shrinks_with_a_positive_phi() -> None:
    half = Budget(growth=0.5)
    with pytest.raises(UserError, match=r"got φ = 8 of compound scaling"):
        check_reached(compound(8, 7, budget=half), growth=0.5)


def test_run_and_plan_refuse_it_before_the_first_training(tmp_path: Path) -> None:
    far = compared(phis=(-8.0, 0.0))
    with pytest.raises(UserError, match=r"got φ = -8 of compound scaling"):
        run(far, tmp_path, device="cpu", workers=0)
    with pytest.raises(UserError, match=r"got φ = -8 of compound scaling"):
        plan_run(far, tmp_path)
    assert not Ledger.snapshot(tmp_path / "ledger.jsonl").path.read_text()


def test_a_search_that_would_end_in_it_is_not_begun_for_a_rival(tmp_path: Path) -> None:
    searched = replace(TINY, compare=replace(TINY.compare, phis=(-3.0, 0.0), rivals=("depth",)))
    with pytest.raises(UserError, match=r"got φ = -3 of depth alone"):
        run(searched, tmp_path, device="cpu", workers=0)


def test_a_batch_of_one_image_is_refused_where_it_leaves_a_pixel(tmp_path: Path) -> None:
    resolution = Coefficients(1.0, 1.0, 1.41)
    one = compared(phis=(-3.0, 0.0), constants=resolution)
    one = replace(one, recipe=replace(one.recipe, batch_size=1))
    rule = r"in training a batch norm needs more than 1 value .* 4 px"
    for ask in (
        lambda: run(one, tmp_path, device="cpu", workers=0),
        lambda: plan_run(one, tmp_path),
    ):
        with pytest.raises(UserError, match=rule):
            ask()
