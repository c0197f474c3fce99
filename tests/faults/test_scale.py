"""Fault 18: a space of a million candidates, and a ledger of 100 000 lines."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

from scaling_search.arch import zoo
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.ledger_format import ledger_line
from scaling_search.search.candidates import candidates
from scaling_search.search.space import Axis, Budget, Space
from tests.jobs.small import FINISHED, job

MB = 1_000_000
LINES = 100_000


def test_a_ledger_of_100_000_lines_is_neither_parsed_nor_kept_in_memory(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.accept(job(), FINISHED, {})
    record = json.dumps({"result": "x" * 1000}).encode()
    with path.open("ab") as file:
        for number in range(LINES):
            file.write(ledger_line(f"{number:016x}", record))
    tracemalloc.start()
    with Ledger(path) as ledger:
        assert len(ledger) == LINES + 1
        assert ledger.get(job()) == FINISHED
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 100 * MB
    assert peak < 40 * MB


def test_a_space_of_a_million_points_is_held_in_bounded_memory() -> None:
    space = Space(Axis(1, 1.99, 0.01), Axis(1, 1.99, 0.01), Axis(1, 1.99, 0.01))
    tracemalloc.start()
    found = candidates(zoo.get("micro"), Budget(tolerance=0.1), space)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(candidate.points for candidate in found) > 1000
    assert peak < 300 * MB
