"""The plan as a pure function: hand-made rates, and studies of images that are not here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch import zoo
from scaling_search.cost.analytic import count
from scaling_search.cost.memory import peak_memory
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.phases import planned_phases
from scaling_search.experiment.plan import Capacity, Plan, jobs_to_measure, plan
from scaling_search.experiment.preset_files import PRESETS
from scaling_search.experiment.presets import preset
from scaling_search.experiment.run_state import RunState
from scaling_search.experiment.study import Study
from scaling_search.experiment.training_memory import resident_bytes, training_memory
from scaling_search.experiment.training_rates import (
    MeasuredNetwork,
    SecondsRange,
    TrainingRates,
    elapsed,
)
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.step_rate import StepRate
from tests.tiny import TINY

INFO = DataInfo("images", tuple("abcdefghij"), 3, 64, 50_000, 5_000, 10_000, 0, "0" * 16)
CARDS = Capacity("cuda", "a card", at_once=8, sharing=1, memory_bytes=80 << 30, free_bytes=1 << 40)
CPU = Capacity("cpu", "a CPU", at_once=2, sharing=2, memory_bytes=16 << 30, free_bytes=1 << 40)
# A thousand million multiply-adds a second.
RATES = TrainingRates((MeasuredNetwork(1_000_000, StepRate((0.001,), (0.0003,))),))


def nothing(_: TrainJob) -> None:
    return None


def planned(
    study: Study, capacity: Capacity = CPU, rates: TrainingRates | None = RATES, **more: float
) -> Plan:
    experiment = Experiment(study, INFO)
    return plan(RunState(experiment, nothing), rates, capacity, **more)


@pytest.mark.parametrize(
    ("trainings", "at_once", "expected"),
    [
        ([(4, 10.0)], 1, (40, 40, 40)),
        ([(4, 10.0)], 2, (20, 22.5, 25)),
        ([(1, 10.0)], 8, (10, 10, 10)),  # one can't be shared
        ([(3, 10.0), (1, 50.0)], 2, (50, 52.5, 65)),  # it may come last
        ([], 2, (0, 0, 0)),
    ],
)
def test_a_phase_takes_its_share_and_waits_for_its_last_training(
    trainings: list[tuple[float, float]], at_once: int, expected: tuple[float, float, float]
) -> None:
    asked = [(number, SecondsRange(each, each, each)) for number, each in trainings]
    found = elapsed(asked, at_once)
    assert (found.low, found.middle, found.high) == pytest.approx(expected)


def test_the_sum_is_that_of_the_phases() -> None:
    found = planned(TINY)
    assert found.seconds is not None
    middles = [phase.seconds.middle for phase in found.phases if phase.seconds]
    assert found.seconds.middle == pytest.approx(sum(middles))
    assert found.seconds.low < found.seconds.middle < found.seconds.high
    assert found.trainings_left == 4 + 4 + 8


def test_without_rates_all_but_the_time_is_planned() -> None:
    found, timed = planned(TINY, rates=None), planned(TINY)
    assert found.seconds is None
    assert [phase.seconds for phase in found.phases] == [None] * 3
    assert (found.memory_bytes, found.disk_bytes) == (timed.memory_bytes, timed.disk_bytes)


def test_hours_that_a_search_may_take_are_those_of_all_workers_together() -> None:
    demo = preset("demo")
    until = replace(demo.search.until, hours=0.01)  # of trainings of about a minute
    searched = planned(replace(demo, search=replace(demo.search, until=until))).phases[1].seconds
    assert searched == SecondsRange(18.0, 18.0, 18.0)


def test_sizes_are_those_of_the_study_or_go_on_as_far_as_is_asked() -> None:
    assert [size.phi for size in planned(TINY).sizes] == [0, 1]
    sizes = planned(TINY, up_to_phi=3.0).sizes
    assert [size.phi for size in sizes] == [0, 1, 2, 3]
    assert [round(size.macs / sizes[0].macs) for size in sizes] == [1, 2, 4, 8]
    assert sizes[1].seconds is not None
    assert sizes[2].seconds is not None
    grown = sizes[2].seconds.middle / sizes[1].seconds.middle
    assert grown == pytest.approx(sizes[2].macs / sizes[1].macs)


def test_those_that_are_measured_are_the_smallest_a_middle_and_the_largest() -> None:
    experiment = Experiment(replace(TINY, gate=replace(TINY.gate, seeds=2)), INFO)
    phases = planned_phases(RunState(experiment, nothing))
    macs = [count(job.architecture).macs for job in jobs_to_measure(phases)]
    left = {count(p.job.architecture).macs for phase in phases for p in phase.left}
    assert len(macs) == 3
    assert (macs[0], macs[2]) == (min(left), max(left))
    assert macs[0] < macs[1] < macs[2]
    assert jobs_to_measure(()) == ()


def test_memory_is_a_part_of_the_batch_with_all_that_is_kept_of_the_weights() -> None:
    study = preset("imagenet-b0-paper")
    b0 = zoo.get("efficientnet-b0").fitted(num_classes=10)
    job = Experiment(study, INFO).compare_job(b0, 0)
    peak = peak_memory(b0, "training", 8).total_bytes  # 4096 in 512 parts
    # RMSProp's mean of squares, and the averaged weights.
    assert training_memory(job) == peak + 2 * 4 * count(b0).params


def test_images_lie_on_a_card_where_they_fit() -> None:
    b0 = zoo.get("efficientnet-b0").fitted(num_classes=10)
    job = Experiment(preset("imagenet-b0-paper"), INFO).compare_job(b0, 0)
    assert resident_bytes(job, INFO) == 5_000 * 3 * 224**2  # the 50 000 are streamed
    small = b0.fitted(resolution_px=64)
    job = Experiment(preset("imagenet-b0-paper"), INFO).compare_job(small, 0)
    assert resident_bytes(job, INFO) == 55_000 * 3 * 64**2


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[pytest.mark.slow] if "b0" in preset(each).base else [])
        for each in PRESETS
        if each != "imagenet-b0-paper"
    ],
)
def test_the_plan_of_each_preset_comes_out(name: str) -> None:
    found = planned(preset(name), CARDS)
    assert found.seconds is not None
    assert 0 < found.seconds.low < found.seconds.middle < found.seconds.high
    assert found.memory_bytes is not None
    assert found.memory_bytes < CARDS.memory_bytes
    assert 0 < found.disk_bytes < CARDS.free_bytes
    assert found.sizes[-1].phi == max(preset(name).compare.phis)


@pytest.mark.slow
def test_the_plan_of_the_papers_study_holds_every_candidate_once_for_350_epochs() -> None:
    study = preset("imagenet-b0-paper")
    found = planned(study, CARDS)
    pool = Experiment(study, INFO).pool
    search, comparison = found.phases
    assert (search.networks, search.trainings) == (len(pool), len(pool))
    assert comparison.trainings == 1 + 2 * 7  # the base, the family and B1 to B7
    assert found.sizes[-1].macs > 64 * found.sizes[0].macs
    assert found.memory_bytes is not None
    assert found.memory_bytes < CARDS.memory_bytes
