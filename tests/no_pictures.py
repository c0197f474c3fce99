"""Reports without figures: to draw those of a tiny study takes longer than its trainings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def no_pictures() -> Iterator[None]:
    """Within this block reports of this process have their tables and pages alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scaling_search.report.report_files.pictures_of", lambda evidence: ())
        yield
