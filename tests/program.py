"""The program in this process: its exit status, what it printed, what it said."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from scaling_search.cli.main import main

Call = Callable[..., tuple[int, str, str]]


def call(*words: str) -> tuple[int, str, str]:
    """Run the program with these arguments; status, standard output, standard error."""
    printed, said = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["scaling-search", *words]),
        redirect_stdout(printed),
        redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as ended:
            status = int(ended.code or 0)
    return status, printed.getvalue(), said.getvalue()
