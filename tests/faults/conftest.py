"""The study as it goes when nothing happens to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.watching import search_in


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of the study's search when nothing happens."""
    out = tmp_path_factory.mktemp("uninterrupted")
    search_in(out)
    return out
