"""Is the ledger whole, and does anybody write it?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from scaling_search.core.errors import UserError
from scaling_search.doctor.finding import Finding
from scaling_search.doctor.run_files import Lines, holder, ledger_lines


def lock_and_ledger(run: Path) -> Iterator[Finding]:
    """Findings about the lock and the lines of the ledger."""
    path = run / "ledger.jsonl"
    process = holder(path)
    yield _lock(process)
    try:
        lines = ledger_lines(path)
    except OSError as error:
        fact = f"ledger.jsonl can't be read: {error.strerror}"
        yield Finding("ledger", "note", fact, "a run begins with no results")
        return
    except UserError as error:
        yield Finding("ledger", "attention", str(error), "a run is refused until then")
        return
    yield Finding("ledger", "good", f"{lines.results} results can be read")
    yield from _damages(path, lines)
    if lines.torn and process is None:
        consequence = "a run drops it and runs its job again"
        yield Finding("ledger", "attention", "the last line is torn", consequence)


def _lock(process: int | None) -> Finding:
    if process is None:
        return Finding("lock", "good", "no run writes here now")
    words = f"process {process}" if process else "a process that can't be seen from here"
    consequence = "a second run is refused until it ends; all else is a glance at work under way"
    return Finding("lock", "note", f"{words} writes here", consequence)


def _damages(path: Path, lines: Lines) -> Iterator[Finding]:
    again = "passed over, and their jobs run again when needed"
    damages = (
        (lines.garbled, "damaged", again),
        (lines.misnamed, "filed under a hash that is not their job's", again),
        (lines.unknown, "not understood by this version", "a run that needs them is refused"),
    )
    for numbers, damage, consequence in damages:
        if numbers:
            delete = ";".join(f"{number}d" for number in numbers)
            mend = f"to take them out, with no run under way: sed -i '{delete}' "
            consequence = f"{consequence}; {mend}{shlex.quote(str(path))}"
            yield Finding("ledger", "attention", f"{_named(numbers)}: {damage}", consequence)
    if lines.repeated:
        fact = f"{_named(lines.repeated)}: the job had a line before"
        yield Finding("ledger", "note", fact, "the first line of a job that is no failure counts")


def _named(numbers: tuple[int, ...]) -> str:
    return f"line{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
