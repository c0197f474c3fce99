"""Plans: what is refused, and how far a rung is from what the answer is for."""

from __future__ import annotations

from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.search.curve_kernel import Level
from scaling_search.search.plan import Rung, SearchPlan, Until


def test_the_answer_is_for_the_last_rungs_length_and_phi() -> None:
    plan = SearchPlan(rungs=(Rung(2), Rung(8), Rung(8, phi=2.0)))
    assert (plan.target_phi, plan.full_epochs) == (2.0, 8)
    assert [plan.level(rung) for rung in plan.rungs] == [Level(2, 1), Level(0, 1), Level(0, 0)]


@pytest.mark.parametrize(
    "rungs",
    [
        (Rung(2), Rung(8), Rung(4, phi=2.0)),
        (Rung(8, phi=0.5), Rung(8), Rung(8, first_seed=4)),
        (Rung(8), Rung(8, first_seed=4, phi=2.0)),
    ],
)
def test_phi_then_length_then_seeds_rise(rungs: tuple[Rung, ...]) -> None:
    SearchPlan(rungs=rungs)


@pytest.mark.parametrize(
    "rungs", [(Rung(8), Rung(2)), (Rung(8, phi=2.0), Rung(8)), (Rung(8), Rung(8))]
)
def test_rungs_that_do_not_rise_are_refused(rungs: tuple[Rung, ...]) -> None:
    with pytest.raises(UserError, match="each rung must be longer than the one before"):
        SearchPlan(rungs=rungs)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (Rung, {"epochs": 1, "phi": 0.0}, "a rung's phi must be positive"),
        (Until, {"trainings": 0.0}, "trainings must be positive, got 0.0"),
        (Until, {"regret_points": -1.0}, "regret_points must be positive"),
        (Until, {"hours": float("inf")}, "hours must be positive"),
        (Until, {"p_best": 1.0}, r"p_best must lie in \(0, 1\)"),
        (Until, {"within_points": -0.1}, "within_points must be 0 or more"),
        (SearchPlan, {"seeds": "adaptive"}, "got 'grid': set strategy = \"gp\""),
        (
            SearchPlan,
            {"seeds": "adaptive", "strategy": "gp", "second": "params"},
            "adaptive seeds weigh accuracy alone",
        ),
    ],
)
def test_what_can_not_be_is_refused_in_one_line(
    kind: type, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        kind(**values)
