"""Which precision "auto" is, and that a run keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaling_search.core.number_formats import Precision
from scaling_search.jobs.precision_choice import PrecisionChoice
from scaling_search.jobs.run_choices import CHOICES_FILE, RunChoices, TriedPrecision

RATES: dict[Precision, float] = {"tf32": 1000.0, "bfloat16": 1500.0}


def rate(precision: Precision) -> float:
    return RATES[precision]


def never(precision: Precision) -> float:
    raise AssertionError(precision)


def test_the_faster_of_the_two_is_chosen_said_and_kept(tmp_path: Path) -> None:
    lines: list[str] = []
    assert PrecisionChoice(tmp_path, "a card", lines.append).precision(rate) == "bfloat16"
    assert lines[-1] == (
        'precision = "auto" is bfloat16; the trial: tf32: 1000, bfloat16: 1500 images/s'
    )
    tried = TriedPrecision("bfloat16", "a card", RATES)
    assert RunChoices.read(tmp_path) == RunChoices(precision=tried)


@pytest.mark.parametrize("bfloat16", [0.0, 900.0, 1050.0])
def test_bfloat16_must_gain_a_twentieth(tmp_path: Path, bfloat16: float) -> None:
    rates: dict[Precision, float] = {**RATES, "bfloat16": bfloat16}
    assert PrecisionChoice(tmp_path, "a card", print).precision(rates.__getitem__) == "tf32"


def test_what_fits_into_the_card_in_bfloat16_alone_is_trained_in_it(tmp_path: Path) -> None:
    rates: dict[Precision, float] = {"tf32": 0.0, "bfloat16": 10.0}
    assert PrecisionChoice(tmp_path, "a card", print).precision(rates.__getitem__) == "bfloat16"


def test_a_run_that_goes_on_elsewhere_has_what_it_began_with(tmp_path: Path) -> None:
    PrecisionChoice(tmp_path, "a card", print).precision(rate)
    lines: list[str] = []
    other = PrecisionChoice(tmp_path, "another card", lines.append)
    assert [other.precision(never), other.precision(None)] == ["bfloat16", "bfloat16"]
    assert lines[0] == f'precision = "auto" is bfloat16, as {tmp_path / CHOICES_FILE} has it'


def test_on_a_cpu_it_is_float32_and_stays_so(tmp_path: Path) -> None:
    lines: list[str] = []
    choice = PrecisionChoice(tmp_path, "a CPU", lines.append)
    assert choice.precision(None) == "float32"
    assert lines == ['precision = "auto" is float32 on a CPU']
    assert choice.precision(never) == "float32"
