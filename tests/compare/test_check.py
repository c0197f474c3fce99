"""The constants of φ = 1 at φ = 2: what is trained, and whether the winner still holds."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from scaling_search.arch import zoo
from scaling_search.arch.network import Network
from scaling_search.compare.check import Checked, check_frame, check_jobs, checked
from scaling_search.data.request import DataInfo, DataRequest
from scaling_search.jobs.job import Diverged, Result, TrainJob, job_for
from scaling_search.report.check import check_sentence, check_table
from scaling_search.search.candidates import candidates
from scaling_search.search.constants import Constants
from scaling_search.search.halving import Rung
from scaling_search.search.space import Axis, Budget, Space
from scaling_search.training.recipe import Recipe
from tests.trainings import finished

BASE, BUDGET = zoo.get("micro"), Budget(tolerance=0.2)
POOL = candidates(BASE, BUDGET, Space(Axis(1, 2, 0.5), Axis(1, 1.5, 0.1), Axis(1, 1.5, 0.1)))
INFO = DataInfo("typefaces", tuple("ab"), 1, 24, 100, 20, 20, 1, "f" * 16)
# Candidates of different depth or width: those that differ in resolution alone become one network.
APART = list({(c.alpha, c.beta): place for place, c in enumerate(POOL)}.values())
RUNG = Rung(2, seeds=3, first_seed=4)
# Noise of its own for each seed; the three add up to nothing.
SHAKE = {4: -0.004, 5: 0.001, 6: 0.003}


def make(network: Network, epochs: int, seed: int) -> TrainJob:
    return job_for(network, (DataRequest(), INFO), Recipe(), epochs=epochs, seed=seed)


def constants(*places: int) -> Constants:
    """A search that ended with these candidates as ties, the winner first."""
    winner = POOL[places[0]]
    names = tuple(POOL[place].name for place in places)
    spans = (winner.alpha, winner.beta, winner.gamma)
    return Constants(winner.coefficients, *spans, names, 0.4, len(POOL), 5, 5, 3)


def those(*places: int) -> tuple[Checked, ...]:
    chosen = [APART[place] for place in places]
    return checked(BASE, POOL, constants(*chosen), 2.0, BUDGET, "measured")


def scored(found: tuple[Checked, ...], *means: float) -> Callable[[TrainJob], Result]:
    """Results by network: each mean with every other network's noise turned round."""
    place = {one.member.architecture.fingerprint: i for i, one in enumerate(found)}

    def find(job: TrainJob) -> Result:
        at = place[job.architecture.fingerprint]
        top1 = means[at] + (-1) ** at * SHAKE[job.seed]
        if math.isnan(top1):
            return Diverged("nan")
        return finished(top1)

    return find


def test_the_ties_are_grown_to_phi_2_at_equal_cost_the_winner_first() -> None:
    found = those(2, 0, 3)
    assert [one.name for one in found] == [POOL[APART[place]].name for place in (2, 0, 3)]
    for one in found:
        assert one.member.growth == pytest.approx(4.0, rel=0.1)


def test_they_are_trained_as_the_finalists_were() -> None:
    jobs = check_jobs(those(2, 0), RUNG, make)
    assert [(job.epochs, job.seed) for job in jobs] == [(2, seed) for seed in (4, 5, 6)] * 2
    assert not any(job.reads_test for job in jobs)


def test_ties_that_grow_into_one_network_are_one() -> None:
    same = [place for place, c in enumerate(POOL) if c.alpha == (1, 1) and c.beta == (1, 1)]
    assert len(same) > 1
    (found,) = checked(BASE, POOL, constants(*same), 2.0, BUDGET, "measured")
    assert found.name == POOL[same[0]].name
    assert len(checked(BASE, POOL, constants(*same), 2.0, BUDGET, "nominal")) == len(same)


def test_a_winner_without_ties_has_nothing_to_be_checked_against() -> None:
    assert check_jobs(those(2), RUNG, make) == []
    assert check_frame(those(2), RUNG, make, lambda _: None).empty


def test_a_check_that_lacks_a_result_is_no_check_yet() -> None:
    assert check_frame(those(2, 0), RUNG, make, lambda _: None).empty


def test_a_winner_that_falls_behind_is_said_to() -> None:
    found = those(2, 0, 3)
    frame = check_frame(found, RUNG, make, scored(found, 0.50, 0.60, 0.40))
    assert list(frame["network"]) == [POOL[APART[place]].name for place in (0, 2, 3)]
    winner = frame[frame["winner"]].iloc[0]
    assert winner["behind_points"] == pytest.approx(10.0)
    assert winner["low_points"] > 0
    assert list(frame["tie"]) == [True, False, False]
    said = check_sentence(frame)
    assert said.startswith("Checked at φ = 2 among the 3 networks into which the candidates")
    assert f"no longer among the best: {POOL[APART[0]].name} is 10.00 points [" in said


def test_a_winner_within_the_noise_is_still_among_the_best() -> None:
    found = those(2, 0, 3)
    frame = check_frame(found, RUNG, make, scored(found, 0.600, 0.601, 0.40))
    assert list(frame["tie"]) == [True, True, False]
    assert "still among the best" in check_sentence(frame)


def test_a_winner_that_wins_again_is_the_best_there_too() -> None:
    found = those(2, 0)
    frame = check_frame(found, RUNG, make, scored(found, 0.7, 0.6))
    assert check_sentence(frame).endswith("the constants found are the best there too.")
    assert list(check_table(frame).shown["note"]) == ["best at φ = 1, tie with the best", "–"]


def test_a_winner_that_fails_there_is_said_to_fail() -> None:
    found = those(2, 0)
    frame = check_frame(found, RUNG, make, scored(found, math.nan, 0.6))
    assert check_sentence(frame).endswith("the constants' network did not finish: diverged.")
    assert list(frame["status"]) == ["finished", "diverged"]


def test_the_table_has_the_points_and_both_growths() -> None:
    found = those(2, 0)
    table = check_table(check_frame(found, RUNG, make, scored(found, 0.5, 0.6)))
    assert table.name == "check"
    assert list(table.shown["growth asked ×"]) == ["4.00", "4.00"]
    assert "0.00 [0.00, 0.00]" in set(table.shown["behind the best (points) [95\u00a0%]"])
