"""The page of findings says what the committed runs and tables say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_committed_page_is_what_its_program_writes() -> None:
    """Another CPU may round the last digit of what is drawn, so gains alone are held."""
    code = (
        "from benchmarks.findings import RESULTS, gains, gains_table; "
        "print(gains_table(gains()) == (RESULTS / 'gains.md').read_text())"
    )
    asked = [sys.executable, "-c", code]
    printed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "True"
    page = (ROOT / "results" / "findings.md").read_text(encoding="utf-8")
    assert (ROOT / "results" / "gains.md").read_text(encoding="utf-8") in page
