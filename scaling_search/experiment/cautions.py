"""What speaks against a search's constants: a winner that shifts with the length of training."""

from __future__ import annotations

from collections.abc import Iterator

from scaling_search.report.fidelity import shift_warning
from scaling_search.search.curve_table import curves
from scaling_search.search.fidelity import winner_shift
from scaling_search.search.search import Search


def cautions(search: Search | None) -> tuple[str, ...]:
    """What a finished search's results say against themselves; nothing where there was none."""
    return () if search is None else tuple(_shift(search))


def _shift(search: Search) -> Iterator[str]:
    shift = winner_shift(curves(search, search.reached()[0]))
    if shift is not None:
        yield shift_warning(shift)
