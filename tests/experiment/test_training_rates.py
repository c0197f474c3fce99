"""What trainings take, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_search.arch.scaling import Multipliers, scale
from scaling_search.arch.spec import Architecture
from scaling_search.cost.analytic import count
from scaling_search.data.request import DataInfo
from scaling_search.experiment.experiment import Experiment
from scaling_search.experiment.training_rates import (
    OFF_BY,
    MeasuredNetwork,
    SecondsRange,
    TrainingRates,
    share_of_pixels,
)
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.step_rate import StepRate
from tests.tiny import TINY

INFO = DataInfo("images", tuple("abcd"), 1, 16, 1000, 100, 50, 0, "0" * 16)
EXPERIMENT = Experiment(TINY, INFO)
assert isinstance(EXPERIMENT.base, Architecture)
DEEPER = scale(EXPERIMENT.base, Multipliers(2.0, 1.0, 1.0))


def job(network: Architecture = EXPERIMENT.base, epochs: int = 2) -> TrainJob:
    return replace(EXPERIMENT.network_job(network, epochs, 0), reads_test=False)


def rates(*measured: tuple[Architecture, StepRate]) -> TrainingRates:
    return TrainingRates(tuple(MeasuredNetwork(count(a).macs, rate) for a, rate in measured))


ONE = rates((EXPERIMENT.base, StepRate((0.002, 0.003, 0.007), (0.0001,))))


def test_images_and_scored_images_of_every_epoch_are_paid() -> None:
    found = ONE.training(job(), INFO)
    # 2 epochs of 1000 images, and of 100 that are scored.
    assert found.middle == pytest.approx(2000 * 0.003 + 200 * 0.0001)
    assert found.low == pytest.approx((2000 * 0.002 + 200 * 0.0001) / OFF_BY)
    assert found.high == pytest.approx((2000 * 0.007 + 200 * 0.0001) * OFF_BY)


def test_averaged_weights_are_scored_too_and_the_test_images_once() -> None:
    asked = replace(job(), reads_test=True, recipe=replace(job().recipe, ema_decay=0.9))
    assert ONE.training(asked, INFO).middle == pytest.approx(6.0 + (400 + 50) * 0.0001)


def test_of_a_training_that_goes_on_the_new_steps_alone_are_paid() -> None:
    assert ONE.training(job(), INFO, 0.25).middle == pytest.approx(0.25 * (6.0 + 0.02))
    assert ONE.training(job(), INFO, 0.0) == SecondsRange()


def test_beyond_what_was_measured_time_grows_as_macs_do() -> None:
    grown = count(DEEPER).macs / count(EXPERIMENT.base).macs
    assert ONE.training(job(DEEPER), INFO).middle == pytest.approx(grown * (6.0 + 0.02))


def test_between_two_the_logarithm_is_on_their_line() -> None:
    small, large = StepRate((0.001,), (0.001,)), StepRate((0.016,), (0.016,))
    base, deeper = count(EXPERIMENT.base).macs, count(DEEPER).macs
    ends = MeasuredNetwork(base**2 // deeper, small), MeasuredNetwork(deeper, large)
    found = TrainingRates(ends).training(job(), INFO)  # the base is in their middle
    assert found.middle == pytest.approx(2200 * 0.004, rel=1e-4)


def test_images_that_grow_are_paid_by_their_pixels() -> None:
    # Of 4 epochs the first two are at 8 and 12 of 16 px, which is reached after 2.25.
    recipe = replace(job().recipe, progressive_from=0.5)
    assert share_of_pixels(replace(job(epochs=4), recipe=recipe)) == pytest.approx(
        (0.25 + 0.5625 + 1 + 1) / 4
    )
    assert share_of_pixels(job()) == 1
