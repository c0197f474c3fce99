"""What lies in a run directory, read without a lock beside whoever writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from scaling_search.jobs.ledger_file import lock_of
from scaling_search.jobs.ledger_format import CorruptLine, Line, Record, TruncatedLine, read_lines
from scaling_search.jobs.ledger_records import READ_ERRORS, hash_of, is_failure, is_readable
from scaling_search.training import checkpoint

LOCKS = Path("/proc/locks")


@dataclass(frozen=True)
class Lines:
    """What the lines of a ledger are, by their numbers from 1.

    `misnamed` lines are whole, but their hash is not that of their job; `unknown` ones hold what
    this version does not understand; `repeated` ones have the hash of a line before them that
    counts, which a failure's does not once it was tried again.
    """

    results: int = 0
    garbled: tuple[int, ...] = ()
    misnamed: tuple[int, ...] = ()
    unknown: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    torn: bool = False


@dataclass(frozen=True)
class CheckpointFacts:
    """A checkpoint's file: of which plateau (16 hex digits), its size, and whether it is whole."""

    path: Path
    plateau: str
    bytes: int
    intact: bool


def ledger_lines(path: Path) -> Lines:
    """Look at every line of a ledger; raises OSError when there is none."""
    lines = list(map(_line_facts, read_lines(path)))
    named = [line for line in lines if line.key]
    settled: dict[str, int] = {}
    for line in named:
        if not line.failed:
            settled.setdefault(line.key, line.number)

    def numbers_of(state: str) -> tuple[int, ...]:
        return tuple(line.number for line in lines if line.state == state)

    return Lines(
        results=len({line.key for line in named}),
        garbled=numbers_of("garbled"),
        misnamed=numbers_of("misnamed"),
        unknown=numbers_of("unknown"),
        repeated=tuple(
            line.number for line in named if line.number > settled.get(line.key, line.number)
        ),
        torn=bool(numbers_of("torn")),
    )


@dataclass(frozen=True)
class _LineFacts:
    number: int
    state: str
    key: str = ""
    failed: bool = False


def _line_facts(line: Line) -> _LineFacts:
    match line:
        case CorruptLine():
            return _LineFacts(line.number, "garbled")
        case TruncatedLine():
            return _LineFacts(0, "torn")
        case Record():
            return _LineFacts(line.number, _state(line), line.key, is_failure(line.record))
        case _:
            assert_never(line)


def _state(line: Record) -> str:
    if not is_readable(line.record):
        return "unknown"
    try:
        return "known" if hash_of(line.record) == line.key else "misnamed"
    except READ_ERRORS:
        return "unknown"


def checkpoint_files(folder: Path) -> Iterator[CheckpointFacts]:
    """Every checkpoint below a run's folder of checkpoints, its bytes held against its name."""
    for path in sorted(folder.rglob(checkpoint.FILE_PATTERN)):
        plateau = path.relative_to(folder).parts[0]
        try:
            size = path.stat().st_size
            yield CheckpointFacts(path, plateau, size, checkpoint.intact(path))
        except FileNotFoundError:  # a worker has just dropped it for a newer one
            continue
        except OSError:
            yield CheckpointFacts(path, plateau, size, False)


def unfinished_files(run: Path) -> list[Path]:
    """What killed processes left of files that they were writing."""
    return sorted(run.rglob(".*.part"))


def holder(ledger: Path) -> int | None:
    """The process that holds the ledger (0: one that can't be seen from here), None if nobody.

    Read from the system's list of locks, since trying the lock would be taking it. None too where
    the system has no such list.
    """
    try:
        inode = lock_of(ledger).stat().st_ino
        locks = LOCKS.read_text().splitlines()
    except OSError:
        return None
    for lock in locks:
        # Number, kind, mode, access, process, device and inode (fd:01:1234567), range.
        words = lock.replace("->", " ").split()
        if words[1] == "FLOCK" and words[5].rpartition(":")[2] == str(inode):
            return max(0, int(words[4]))
    return None
