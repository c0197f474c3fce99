"""What a run asks for before it starts, half-way and at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scaling_search.arch.scaling import Coefficients
from scaling_search.data.load import describe
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases import PlannedPhase, planned_phases
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.study import Study
from scaling_search.jobs.ledger import Ledger
from scaling_search.search.gate import Gate
from scaling_search.search.plan import Rung, SearchPlan, Until
from scaling_search.search.search import Find
from tests.tiny import TINY

pytestmark = pytest.mark.usefixtures("without_pictures")

GATED = replace(TINY, gate=Gate(2))


def phases(study: Study, find: Find = lambda _: None) -> tuple[PlannedPhase, ...]:
    return planned_phases(RunState(Experiment(study, describe(study.data)), find))


def counts(study: Study, find: Find = lambda _: None) -> dict[str, tuple[int, int]]:
    """Trainings and those that are done, by phase."""
    return {phase.name: (phase.trainings, phase.done) for phase in phases(study, find)}


def left(phase: PlannedPhase) -> float:
    return sum(portion.count for portion in phase.left)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    run(GATED, out, device="cpu", workers=0)
    return out / "ledger.jsonl"


def first_lines(ledger: Path, to: Path, lines: int) -> Find:
    to.write_text("".join(ledger.read_text().splitlines(keepends=True)[:lines]))
    return Ledger.snapshot(to).get


def test_before_it_starts_nothing_is_done() -> None:
    # 4 candidates, of which half go on from 2 seeds. Of the base, the family and its 3 rivals one
    # is another's network: 4 by 2 seeds.
    assert counts(GATED) == {
        "gate: the base and each axis alone": (8, 0),
        "search, rung 1 of 2": (4, 0),
        "search, rung 2 of 2": (4, 0),
        "comparison": (8, 0),
    }


def test_a_longer_rung_pays_its_own_steps_from_the_shorter_ones_seed_on() -> None:
    rung = phases(TINY)[1]
    # 5 steps an epoch, of which the last 2 are the fall: 10 - 3 are new, and all of a new seed.
    assert [(portion.count, portion.share) for portion in rung.left] == [(2, 0.7), (2, 1.0)]


def test_a_rung_at_a_larger_phi_trains_larger_networks() -> None:
    larger = replace(TINY.search, rungs=(Rung(1), Rung(2, phi=2.0)))
    small, large = phases(replace(TINY, search=larger))[:2]
    ratio = large.left[0].job.mac_images / small.left[0].job.mac_images
    assert 3 < ratio < 5  # twice the cost for twice as long


def test_without_a_search_the_comparison_alone_is_planned() -> None:
    given = replace(TINY.compare, constants=Coefficients(1.2, 1.1, 1.15), rivals=("width",))
    assert counts(replace(TINY, compare=given)) == {"comparison": (6, 0)}


def test_a_check_of_rates_is_a_phase_and_its_test_images_another() -> None:
    checked = replace(TINY.compare, check_rates=(0.5, 1.0, 2.0))
    *_, own, rates, tested = phases(replace(TINY, compare=checked))
    assert (own.trainings, rates.trainings, tested.trainings) == (8, 16, 8)
    assert {portion.share for portion in tested.left} == {0.0}


def test_an_adaptive_search_is_counted_in_trainings_in_full() -> None:
    plan = SearchPlan("gp", seeds="adaptive", until=Until(trainings=5.0), rungs=(Rung(1), Rung(2)))
    searched = phases(replace(TINY, search=plan))[0]
    assert (searched.trainings, searched.done, left(searched)) == (5, 0, 5.0)
    assert searched.left[0].job.epochs == 2
    assert searched.least == 1


def test_a_search_that_may_be_sure_early_is_planned_with_its_start_alone_at_least() -> None:
    until = Until(trainings=6.0, regret_points=0.5, hours=0.5)
    plan = SearchPlan("gp", seeds="adaptive", until=until, rungs=(Rung(1), Rung(2)))
    searched = phases(replace(TINY, search=plan))[0]
    assert searched.least == 0.5  # 6 trainings of half the length
    assert searched.most_seconds == 1800


def test_at_its_end_all_is_done_and_nothing_left(ledger: Path) -> None:
    there = Ledger.snapshot(ledger)
    found = phases(GATED, there.get)
    assert all(phase.done == phase.trainings and not phase.left for phase in found)
    assert RunState(Experiment(GATED, describe(GATED.data)), there.get).is_concluded


@pytest.mark.parametrize("lines", [3, 9, 13, 18])
def test_half_way_what_is_done_and_what_is_left_are_all(
    ledger: Path, tmp_path: Path, lines: int
) -> None:
    for phase in phases(GATED, first_lines(ledger, tmp_path / "ledger.jsonl", lines)):
        assert phase.done + left(phase) == phase.trainings
    whole = counts(GATED, Ledger.snapshot(ledger).get)
    before = counts(GATED, first_lines(ledger, tmp_path / "ledger.jsonl", lines))
    gate = "gate: the base and each axis alone"
    assert before[gate] == (8, min(8, lines))
    assert whole[gate] == (8, 8)
