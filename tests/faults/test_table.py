"""docs/faults.md names a test for every fault, and every test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
ROWS = re.findall(r"^\| (\d+) \| .*", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE.read_text(encoding="utf-8"))


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_all_eighteen_faults_are_there_each_with_a_test() -> None:
    assert list(map(int, ROWS)) == list(range(1, 19))
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        assert not re.match(r"\| \d+ \|", line) or "::test_" in line


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 18
    missing = [f"{file}::{test}" for file, test in NAMED if test not in functions_of(ROOT / file)]
    assert missing == []
