"""A plan on this machine: nothing is written, and what the ledger has is not planned again."""

from __future__ import annotations

from dataclasses import replace
from itertools import count as numbers
from pathlib import Path

import pytest

from scaling_search.core.errors import UserError
from scaling_search.experiment.capacity import PlannedPlacement
from scaling_search.experiment.pipeline import run
from scaling_search.experiment.plan import Plan
from scaling_search.experiment.planning import busy_words, plan_run
from scaling_search.experiment.study import Study
from tests.no_pictures import no_pictures
from tests.tiny import TINY

HERE = PlannedPlacement("cpu", workers=0)


def planned(study: Study, out: Path, said: list[str] | None = None, seconds: float = 1.0) -> Plan:
    """By a clock that goes on by a second whenever it is read."""
    ticks = numbers()
    say = (said if said is not None else []).append
    return plan_run(study, out, HERE, seconds=4.0, clock=lambda: seconds * next(ticks), say=say)


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plan_writes_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    found = planned(TINY, tmp_path / "runs" / "tiny")
    assert list(tmp_path.iterdir()) == []
    assert found.trainings_left == 16
    assert found.capacity.at_once == 1


def test_by_a_clock_that_is_given_the_time_is_always_the_same(tmp_path: Path) -> None:
    # A second a step of 32 images: 40 steps of rung 1 and so on, which is far from any real time.
    first, again = planned(TINY, tmp_path), planned(TINY, tmp_path)
    assert first.seconds is not None
    assert first.seconds == again.seconds
    slower = planned(TINY, tmp_path, seconds=2.0)
    assert slower.seconds is not None
    assert slower.seconds.middle > first.seconds.middle


def test_after_the_run_nothing_is_left_and_its_folder_is_as_it_was(tmp_path: Path) -> None:
    with no_pictures():
        run(TINY, tmp_path, device="cpu", workers=0)
    before = files(tmp_path)
    found = planned(TINY, tmp_path)
    assert files(tmp_path) == before
    assert found.trainings_left == 0
    assert found.constants_known
    assert found.seconds is not None
    assert found.seconds.high == 0
    assert sum(phase.done for phase in found.phases) >= 4 + 4
    more = planned(replace(TINY, compare=replace(TINY.compare, seeds=3)), tmp_path)
    assert more.trainings_left == more.phases[-1].networks  # one more seed of each


def test_a_budget_of_latencies_is_planned_with_networks_of_equal_macs(tmp_path: Path) -> None:
    timing = replace(TINY.timing, seconds=1.0)
    study = replace(TINY, budget=replace(TINY.budget, resource="latency"), timing=timing)
    said: list[str] = []
    assert planned(study, tmp_path, said).trainings_left == 16
    assert any("latencies first" in line for line in said)


def test_a_precision_that_a_run_will_choose_is_planned_as_the_likely_one(tmp_path: Path) -> None:
    study = replace(TINY, recipe=replace(TINY.recipe, precision="auto"))
    said: list[str] = []
    assert planned(study, tmp_path, said).trainings_left == 16
    assert 'precision = "auto" is chosen when a run begins: planned in float32' in said
    assert list(tmp_path.iterdir()) == []


def test_what_a_run_would_refuse_a_plan_refuses(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least as many training images"):
        planned(replace(TINY, recipe=replace(TINY.recipe, batch_size=1000)), tmp_path)
    with pytest.raises(UserError, match="a plan's largest φ must lie in 0 to 20, got -1"):
        plan_run(TINY, tmp_path, HERE, up_to_phi=-1.0)


def test_a_busy_machine_is_said() -> None:
    assert busy_words(2.0, 2) == ""
    assert busy_words(9.8, 2).endswith("(load 9.8 on 2 cores): times are those beside them")
