"""The file of a ledger: held by one process, appended to line by line, flushed to disk."""

from __future__ import annotations

import os
from pathlib import Path

import filelock

from scaling_search.core.atomic_files import flush_folder, make_folder
from scaling_search.core.errors import UserError
from scaling_search.core.file_lock import file_lock
from scaling_search.jobs.ledger_format import require_plain


def lock_of(ledger: Path) -> Path:
    """The file that whoever writes a ledger holds; beside its target where the ledger is a link."""
    real = Path(os.path.realpath(ledger))
    return real.with_name(f".{real.name}.lock")


class LedgerFile:
    """The file at `path`, which `hold` opens for writing; `record` reads it at any time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: filelock.BaseFileLock | None = None

    def hold(self) -> None:
        """Lock and open the file, made if it is missing.

        Raises UserError when another process holds it, or its directory can't be written.
        """
        folder = self.path.parent
        require_plain(self.path)
        try:
            make_folder(folder)
            self._lock = file_lock(lock_of(self.path), waits=False)
            self._lock.acquire()
            # Unbuffered: what a full disk refused must not come out with the next line.
            self._file = self.path.open("ab", buffering=0)
            flush_folder(folder)
        except filelock.Timeout as held:
            raise UserError(
                f"one run writes a directory at a time, got {str(folder)!r}, which "
                f"another run holds: wait for it or choose another --out{_way_out(held)}"
            ) from None
        except OSError as error:
            self._let_go()
            raise UserError(
                f"the run directory must be writable, got {str(folder)!r} "
                f"({error.strerror}): choose another --out"
            ) from None

    def release(self) -> None:
        """Close the file and let others hold it."""
        self._file.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()

    def append(self, line: bytes) -> int:
        """Write the line and flush it to disk; its first byte's position in the file.

        Raises OSError when the disk is full; the file is then as it was.
        """
        end = self._file.seek(0, os.SEEK_END)
        remaining = memoryview(line)
        try:
            while remaining:
                remaining = remaining[self._file.write(remaining) :]
            os.fsync(self._file.fileno())
        except OSError:
            # What got through of the line must not be in the way of the next one.
            self._file.truncate(end)
            raise
        return end

    def truncate(self, size: int) -> None:
        """Drop what lies beyond so many bytes."""
        self._file.truncate(size)

    def record(self, begin: int, length: int) -> bytes:
        """So many bytes from a position on."""
        with self.path.open("rb") as file:
            file.seek(begin)
            return file.read(length)


def _way_out(held: filelock.Timeout) -> str:
    """What to do about a file that stands for a lock, and that a dead machine may have left."""
    file = Path(held.lock_file)
    return f"; if none does, take {file} away" if file.suffix == ".held" else ""
