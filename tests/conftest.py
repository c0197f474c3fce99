"""For the whole session: a cache of images away from the user's own; settings of Ray and torch."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator

import pytest

from tests.no_pictures import no_pictures
from tests.ray_settings import SETTINGS

# A shell starts what runs in its background deaf to Ctrl-C; runs that tests interrupt inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.update(SETTINGS)  # Ray reads them once, whichever test imports it first

# Before torch is imported. Its threads wait for each other spinning: beside other processes on the
# same cores that costs several times the work itself. Trainings take one thread in any case.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold a slow test: none of them is left over when all else is done.

    For pytest-xdist, which hands out files in this order with `--no-loadscope-reorder`.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Let no later search for garbage walk through what was imported, a million objects of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("SCALING_SEARCH_CACHE")
    os.environ["SCALING_SEARCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["SCALING_SEARCH_CACHE"]
    else:
        os.environ["SCALING_SEARCH_CACHE"] = before


@pytest.fixture(scope="module")
def without_pictures() -> Iterator[None]:
    """For a file in which no test looks at a report's figures: its runs draw none."""
    with no_pictures():
        yield
