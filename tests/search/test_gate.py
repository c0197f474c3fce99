"""Whether a proxy is fit to answer."""

from __future__ import annotations

import pytest

from scaling_search.core.errors import UserError
from scaling_search.jobs.result import Diverged, Finished
from scaling_search.search.gate import Gate, gate_findings
from scaling_search.training.history import EpochRecord, Scores
from tests.trainings import finished_of


def training(*losses: float, top1: float = 0.5) -> Finished:
    """A training with these validation losses, an epoch each."""
    return finished_of(
        [
            EpochRecord(epoch + 1, loss, Scores(loss, top1, 0.9), 1.0)
            for epoch, loss in enumerate(losses)
        ]
    )


SOUND = {
    "base": (training(2, 1.2, 1.1, top1=0.50), training(2, 1.2, 1.1, top1=0.51)),
    "depth": (training(2, 1.1, 1.0, top1=0.52), training(2, 1.1, 1.0, top1=0.53)),
    "width": (training(2, 1.1, 1.0, top1=0.53), training(2, 1.1, 1.0, top1=0.54)),
    "resolution": (training(2, 1.1, 1.0, top1=0.55), training(2, 1.1, 1.0, top1=0.56)),
}


def faults(changed: dict[str, tuple[Finished | Diverged, ...]], last_px: int = 4) -> list[str]:
    """What is found once some of the sound trainings are others."""
    return [each.fault for each in gate_findings({**SOUND, **changed}, 10, last_px)]


def test_a_sound_proxy_passes() -> None:
    """Each axis helps, all have learnt, and the map is large enough."""
    assert faults({}) == []


def test_a_last_map_below_four_pixels_is_told_with_its_remedy() -> None:
    """The first thing that a reader is told."""
    (finding,) = gate_findings(SOUND, 10, 3)
    assert finding.sentence == (
        "the base ends in a map of 3 px, less than 4, which favours resolution: "
        "set fit_strides = true, or a larger base_px."
    )


def test_an_axis_that_falls_below_the_base_is_told_with_its_points() -> None:
    """As depth did while residual branches began at full strength."""
    worse = (training(2, 1.5, 1.4, top1=0.42), training(2, 1.5, 1.4, top1=0.43))
    assert faults({"depth": worse}) == [
        "depth alone, at more cost, is worse than the base by 8.0 points"
    ]


def test_an_axis_as_good_as_the_base_passes() -> None:
    """Half a point among seeds a point apart is not a fall."""
    alike = (training(2, 1.2, 1.1, top1=0.49), training(2, 1.2, 1.1, top1=0.51))
    assert faults({"depth": alike}) == []


def test_a_network_near_chance_is_told() -> None:
    """Chance among ten classes is 10 %; a tenth of the way from there to 100 % is 19 %."""
    chance = (training(2.3, 2.29, 2.289, top1=0.18), training(2.3, 2.29, 2.289, top1=0.18))
    told = faults({"width": chance})
    assert told[0] == "width alone is near chance (18.0%, chance is 10.0%)"


def test_a_network_that_still_falls_at_its_end_is_told() -> None:
    """0.5 of the 1.0 that it fell in all, it fell in the last of three epochs."""
    steep = (training(2, 1.5, 1.0, top1=0.6), training(2, 1.5, 1.0, top1=0.6))
    assert faults({"resolution": steep}) == [
        "resolution alone is still learning fast at its end (50% of all that its validation loss "
        "fell, it fell in the last of 3 epochs)"
    ]


def test_a_training_that_diverged_is_told_and_the_others_judged() -> None:
    """One of two seeds is left."""
    told = faults({"depth": (Diverged("nan"), SOUND["depth"][0])})
    assert told == ["1 of 2 trainings of depth alone came to no end"]


def test_a_single_seed_is_refused() -> None:
    """It shows no scatter to judge by."""
    with pytest.raises(UserError, match=r"0 seeds .* or 2 to 100, got 1"):
        Gate(1)
