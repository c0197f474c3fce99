"""What speaks for and against a search's constants: a winner that shifts, a check at a larger φ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from scaling_search.compare.check import CHECK_COLUMNS, Checked, check_frame
from scaling_search.report.check import check_sentence
from scaling_search.report.fidelity import shift_warning
from scaling_search.search.constants import Constants
from scaling_search.search.fidelity import shift
from scaling_search.search.halving import Step
from scaling_search.search.resources import UntimedError
from scaling_search.search.tabular import curves
from scaling_search.setting import Find, Setting


@dataclass(frozen=True, eq=False)
class Trust:
    """Sentences for the reader of the answer, and the check's frame (empty without a check)."""

    sentences: tuple[str, ...]
    check: pd.DataFrame


def trust_of(setting: Setting, constants: Constants | None, step: Step | None, find: Find) -> Trust:
    """What a finished search's results say of themselves; nothing where there was no search."""
    if constants is None or step is None:
        return Trust((), pd.DataFrame(columns=list(CHECK_COLUMNS)))
    those, rung = _checked(setting, constants), setting.study.search.rungs[-1]
    check = check_frame(those, rung, setting.network_job, find)
    return Trust((*_shift(setting, step, find), *_check(those, check)), check)


def _shift(setting: Setting, step: Step, find: Find) -> Iterator[str]:
    tried = [setting.pool[index] for index in step.rungs[0]]
    found = shift(curves(setting.study.search, tried, setting.search_job, find))
    if found is not None:
        yield shift_warning(found)


def _checked(setting: Setting, constants: Constants) -> tuple[Checked, ...]:
    """What the check compares; nothing where a search alone has not timed it yet."""
    with suppress(UntimedError):
        return setting.checked(constants)
    return ()


def _check(those: tuple[Checked, ...], check: pd.DataFrame) -> Iterator[str]:
    if len(check):
        yield check_sentence(check)
    elif len(those) == 1:
        phi = those[0].member.phi
        yield f"At φ = {phi:g} no other tied candidate is there to check the constants against."
