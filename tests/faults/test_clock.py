"""Fault 14: the wall clock is set back, and forth, by an hour while a run goes on."""

from __future__ import annotations

import itertools
import os
import time
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

from scaling_search.jobs import ledger
from tests.faults import driving
from tests.faults.study import lines, results, study_file
from tests.faults.watching import search_in

# Every interpreter that finds this on its path begins with it.
FOR_WORKERS = """
import itertools, time
true, back = time.time, itertools.cycle((0, 3600, 7200, 3600))
time.time = lambda: true() - next(back)
time.time_ns = lambda: int(time.time() * 1e9)
"""
LIMIT_SECONDS = "1800"  # less than any jump


class Jumping(datetime):
    # The ledger's own looks, whoever else looks in between: no three are in order.
    _back = itertools.cycle((3600, 7200, 0))

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Jumping:
        return cls.fromtimestamp(time.time() - 4 * next(cls._back), tz)


def let_it_jump(folder: Path) -> None:
    """From now on the wall clock is an hour back, or forth, at every look; the workers' too."""
    exec(FOR_WORKERS, {})
    ledger.datetime = Jumping  # type: ignore[attr-defined]  # its own import of it
    (folder / "sitecustomize.py").write_text(FOR_WORKERS)
    path = (str(folder), str(Path(__file__).parents[2]))
    os.environ["PYTHONPATH"] = os.pathsep.join(path)


def test_a_wall_clock_that_jumps_changes_neither_limits_nor_order_nor_results(
    tmp_path: Path, uninterrupted: Path
) -> None:
    out = tmp_path / "out"
    words = ["search", str(study_file(tmp_path)), "--out", str(out), "--device", "cpu"]
    words += ["--workers", "1", "--job-timeout", LIMIT_SECONDS]
    status = driving.ended(words, tmp_path / "said", partial(let_it_jump, tmp_path))
    assert status == 0, (tmp_path / "said").read_text()
    at = [datetime.fromisoformat(line["record"]["at"]) for line in lines(out)]
    assert at != sorted(at)
    assert results(out) == results(uninterrupted)
    assert search_in(out).steps == {}
