"""What an exception in a training becomes: a result with its own words, its traceback in a log."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TextIO

from scaling_search.core.errors import UserError
from scaling_search.cost.user_function import what_failed
from scaling_search.jobs.result import Failed

LONGEST_MESSAGE = 500
"""Characters of a reason in the ledger; the log has all of it."""


def failure(error: BaseException, log: TextIO) -> Failed:
    """The result of a training that raised this error; its traceback is written to the log."""
    traceback.print_exception(error, file=log)
    log.flush()
    reason = what_failed(error)
    return Failed(reason if len(reason) <= LONGEST_MESSAGE else f"{reason[:LONGEST_MESSAGE]} …")


def failure_here(error: BaseException, logs: Path) -> Failed:
    """As `failure`, in the process that drives: its log is logs/driver.log.

    Raises UserError for an error of CUDA, after which this process can train nothing more.
    """
    if "CUDA error" in str(error):
        raise UserError(
            f"a GPU must go on after a training, got {what_failed(error)}: start again with "
            "--workers 1, which trains in a process of its own"
        ) from error
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / "driver.log"
    with path.open("a", encoding="utf-8") as log:
        result = failure(error, log)
    return logged(result, path)


def logged(result: Failed, log: Path) -> Failed:
    """The result with the name of its log, as a run directory knows it."""
    return Failed(f"{result.reason} ({log.parent.name}/{log.name})")


def lost_files(error: OSError) -> str:
    """The line for files that a training could not read or write.

    Examples:
        >>> from scaling_search.jobs.failure import lost_files
        >>> lost_files(FileNotFoundError(2, "No such file or directory", "1.png"))
        'a training needs its files, got No such file or directory: 1.png: mend that first'
    """
    file = f": {error.filename}" if error.filename else ""
    return f"a training needs its files, got {error.strerror or error}{file}: mend that first"
