"""The φ of a law under a name."""

from __future__ import annotations

import pytest

from scaling_search.compare.law_phis import LAW_PHIS, expanded_phis, read_phis
from scaling_search.core.errors import UserError
from scaling_search.experiment.study_file import from_toml, to_toml

STUDY = 'name = "mine"\n[compare]\nphis = {}\n'


def test_the_word_stands_for_half_steps_from_a_quarter_to_four_times() -> None:
    assert tuple(step / 2 for step in range(-4, 5)) == LAW_PHIS
    study = from_toml(STUDY.format('"law"'))
    assert study.compare.phis == LAW_PHIS
    assert study == from_toml(STUDY.format(list(LAW_PHIS))) == from_toml(to_toml(study))


def test_numbers_stay_as_they_are() -> None:
    assert expanded_phis([0, 1], "study.toml") == [0, 1]
    assert read_phis("-1, 0.5") == (-1.0, 0.5)


def test_another_word_is_refused_where_it_stands() -> None:
    with pytest.raises(UserError, match=r"^mine.toml: φ are numbers, or the word 'law' for -2, "):
        from_toml(STUDY.format('"lwa"'), "mine.toml")
    with pytest.raises(UserError, match=r"got '0,x': try --phis=-1,0,1"):
        read_phis("0,x")
