"""No backend that the surroundings name stops a verb, and no verb takes it from the user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[2])

LISTING = """
import sys
from scaling_search.cli.main import main
sys.argv = ["scaling-search", "networks", "micro", "--json"]
try:
    main()
except SystemExit as ended:
    assert not ended.code
assert "matplotlib" not in sys.modules
"""

DRAWING = """
import os, sys
from scaling_search.data.sources import typeface_images
from scaling_search.report.figure_style import picture
typeface_images.draw(0, 0, 96)
drawn = picture("line", "A line.", (1, 1), lambda figure: figure.subplots().plot([0, 1]))
assert drawn.png.startswith(b"\\x89PNG") and b"<svg" in drawn.svg
assert "matplotlib.pyplot" not in sys.modules
assert os.environ["MPLBACKEND"] == sys.argv[1]
import matplotlib
print(matplotlib.rcParams._get("backend"))
"""


def ended(script: str, backend: str) -> str:
    """What a process prints that runs the script where this backend is named."""
    done = subprocess.run(
        [sys.executable, "-c", script, backend],
        env={**os.environ, "MPLBACKEND": backend, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_verb_that_draws_nothing_does_not_import_matplotlib() -> None:
    assert '"micro"' in ended(LISTING, "nonsense")


@pytest.mark.parametrize(
    ("backend", "left"),
    [
        ("nonsense", "<object object"),
        ("module://a_notebooks.backend", "module://a_notebooks.backend"),
        ("svg", "svg"),
    ],
)
def test_figures_are_drawn_whatever_is_named_and_the_users_own_keep_it(
    backend: str, left: str
) -> None:
    assert ended(DRAWING, backend).startswith(left)
