"""Interpreters that this one starts: they find the modules that this one finds, and Python's first.

Python puts the working directory before its own library for `-m` and `-c`, so a user's queue.py
would stand in for Python's own in every process that we start.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# For a process that has closed its pipe already: its status is its own.
CLOSING_SECONDS = 10.0
SAFE_PATH = "PYTHONSAFEPATH"  # the variable of Python's option -P


def child_command(module: str, *words: object) -> list[str]:
    """The command that calls `main(*words)` of a module in a new interpreter.

    `words` are plain values, such as numbers and text.

    Examples:
        >>> from scaling_search.core.child_interpreter import child_command
        >>> child_command("scaling_search.jobs.worker", 2)[-1].rpartition("; ")[2]
        'child.main(2)'
    """
    arguments = ", ".join(map(repr, words))
    program = f"import sys; sys.path[:] = {search_path()!r}; import {module} as child; "
    return [sys.executable, "-P", "-c", f"{program}child.main({arguments})"]


def search_path() -> list[str]:
    """This interpreter's `sys.path` with Python's own library first and no relative folder."""
    entries = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 ("" is a folder here)
    of_python = [entry for entry in entries if _is_of_python(entry)]
    return list(dict.fromkeys([*of_python, *entries]))


@contextmanager
def safe_path() -> Iterator[None]:
    """Within, a new interpreter of another library's doesn't begin with the working directory."""
    earlier_value = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[SAFE_PATH]
        if earlier_value is not None:
            os.environ[SAFE_PATH] = earlier_value


def _is_of_python(entry: str) -> bool:
    """Whether Python's own modules lie there: their folder, that of compiled ones, their zip."""
    folders = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")]
    dynamic = [os.path.join(folder, "lib-dynload") for folder in folders]  # noqa: PTH118 (text)
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    return entry in {*folders, *dynamic} or Path(entry).name == archive
