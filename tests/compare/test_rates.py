"""Whether the order of the methods holds at each network's best learning rate."""

from __future__ import annotations

from collections.abc import Mapping

from scaling_search.arch import zoo
from scaling_search.arch.scaling import Coefficients
from scaling_search.compare.family import family
from scaling_search.compare.rates import rate_check
from scaling_search.compare.rivals import rival_member
from scaling_search.compare.trainings import Trainings
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Result
from scaling_search.search.space import Budget
from tests.compare.test_trainings import RECIPE, ended, make

BASE = zoo.get("micro")
MEMBERS = (
    *family(BASE, Coefficients(1.1, 1.2, 1.1), [0.0, 1.0], Budget()),
    rival_member(BASE, Budget(), "depth", 1.0),
)
NAMES = {member.architecture.fingerprint: member.method for member in MEMBERS}
Scores = Mapping[str, Mapping[float, tuple[float, float]]]
"""Validation loss and test accuracy by method and multiple of the rate."""


def checked(scores: Scores, rates: tuple[float, ...] = (0.5, 1.0, 2.0)) -> Trainings:
    def find(job: TrainJob) -> Result | None:
        rate = job.recipe.learning_rate / RECIPE.learning_rate
        loss, top1 = scores[NAMES[job.architecture.fingerprint]][rate]
        return ended(loss, top1 + 0.001 * (job.seed % 3) if job.reads_test else None)

    return Trainings(MEMBERS, range(3), make, find, rates)


FLAT = {0.5: (1.2, 0.5), 1.0: (1.0, 0.6), 2.0: (1.2, 0.5)}
SAME: Scores = {"base": FLAT, "compound": {**FLAT, 1.0: (1.0, 0.8)}, "depth": FLAT}
# Depth learns best at half the rate, and then passes compound scaling.
TURNED: Scores = {**SAME, "depth": {**FLAT, 0.5: (0.7, 0.9)}}


def test_one_rate_is_no_check() -> None:
    assert rate_check(checked(SAME, (1.0,))) is None


def test_the_order_that_holds_is_said_to() -> None:
    check = rate_check(checked(SAME))
    assert check is not None
    assert check.sentences == (
        "The order is the same at each network's best rate, of 0.5, 1 and 2 × the recipe's; no "
        "verdict changes.",
    )
    assert list(check.tried["chosen"]) == [False, True, False] * 3


def test_an_order_that_turns_is_told_with_the_verdict_that_changes() -> None:
    check = rate_check(checked(TURNED))
    assert check is not None
    order, end = check.sentences
    assert order == (
        "The order is not the same at each network's best rate, of 0.5, 1 and 2 × the recipe's: at "
        "φ = 1 depth alone comes first instead of compound scaling, and 1 of 1 pairs change "
        "places; the verdict on depth alone at φ = 1 was “better” and is “worse”."
    )
    assert end.startswith("1 of 3 networks are best at the lowest or highest of these rates")
