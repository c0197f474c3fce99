"""What speaks against a search's constants: a winner that shifts with the length of training."""

from __future__ import annotations

from collections.abc import Iterator

from scaling_search.report.fidelity import shift_warning
from scaling_search.search.fidelity import shift
from scaling_search.search.halving import Step
from scaling_search.search.tabular import curves
from scaling_search.setting import Find, Setting


def cautions(setting: Setting, step: Step | None, find: Find) -> tuple[str, ...]:
    """What a finished search's results say against themselves; nothing where there was none."""
    return () if step is None else tuple(_shift(setting, step, find))


def _shift(setting: Setting, step: Step, find: Find) -> Iterator[str]:
    tried = [setting.pool[index] for index in step.rungs[0]]
    found = shift(curves(setting.study.search, tried, setting.search_job, find))
    if found is not None:
        yield shift_warning(found)
