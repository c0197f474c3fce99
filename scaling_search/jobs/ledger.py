"""The ledger: one JSON line per accepted result, flushed to disk, never rewritten.

A line is `{"hash": …, "crc32": …, "record": {…}}`. The checksum covers the record's text, so that a
line is found damaged without being parsed, and a ledger of 100 000 lines opens at once; a record is
parsed when it is asked for.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import filelock

from scaling_search.cost.latency.profile import timed_from_json, timed_to_json
from scaling_search.cost.latency.results import Timed
from scaling_search.cost.latency.values import TimeJob
from scaling_search.errors import UserError
from scaling_search.jobs.job import Result, TrainJob, job_to_json, result_from_json, result_to_json

_LINE = re.compile(rb'\{"hash": "([0-9a-f]{16})", "crc32": "([0-9a-f]{8})", "record": (.*)\}\n')

# How the record of a timing begins; a training's job begins with its architecture.
_TIMING = b'{"job": {"networks"'


class Ledger:
    """The results of a run directory; whoever holds it is its only writer.

    `notes` says in plain words what was found damaged on opening. Raises UserError when another
    process holds the ledger, or the directory can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._records: dict[str, bytes] = {}
        self._results: dict[str, Result] = {}
        self._lock = filelock.FileLock(path.with_name(f".{path.name}.lock"), blocking=False)

    def __enter__(self) -> Self:
        """Take the ledger, read it and drop a torn last line."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            # Unbuffered: what a full disk refused must not come out with the next line.
            self._file = self.path.open("ab", buffering=0)
        except filelock.Timeout:
            raise UserError(
                f"one run writes a directory at a time, got {str(self.path.parent)!r}, which "
                "another run holds: wait for it or choose another --out"
            ) from None
        except OSError as error:
            self._lock.release()
            raise UserError(
                f"the run directory must be writable, got {str(self.path.parent)!r} "
                f"({error.strerror}): choose another --out"
            ) from None
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the ledger go."""
        self._file.close()
        self._lock.release()

    def __len__(self) -> int:
        return len(self._records)

    def get(self, job: TrainJob) -> Result | None:
        """The training's result, or None while it is missing."""
        key = job.hash
        if key not in self._results and key in self._records:
            self._results[key] = result_from_json(json.loads(self._records[key])["result"])
        return self._results.get(key)

    def timed(self, job: TimeJob) -> Timed | None:
        """The timing's result with all its raw samples, or None while it is missing."""
        record = self._records.get(job.hash)
        return None if record is None else _timed(record)

    def timings(self) -> Iterator[Timed]:
        """Every timing, the newest first, of whatever networks and machine."""
        for record in reversed(list(self._records.values())):
            if record.startswith(_TIMING):
                yield _timed(record)

    def accept(self, job: TrainJob, result: Result, where: dict[str, str]) -> bool:
        """Write a training's result, flushed to disk; False when the job has one already.

        Raises OSError when the disk is full; the ledger then holds what it held before.
        """
        content = job_to_json(job)
        # Where the images lie is this machine's affair and no part of the result.
        content["data"] |= {"root": None, "download": False}
        written = self._write(job.hash, content, result_to_json(result), where)
        if written:
            self._results[job.hash] = result
        return written

    def accept_timed(self, timed: Timed, where: dict[str, str]) -> bool:
        """Write a timing's result; otherwise as `accept`."""
        result = json.loads(timed_to_json(timed))
        return self._write(timed.job.hash, result.pop("job"), result, where)

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record as it was written, in order."""
        return (json.loads(record) for record in self._records.values())

    def _write(
        self, key: str, job: dict[str, Any], result: dict[str, Any], where: dict[str, str]
    ) -> bool:
        if key in self._records:
            return False
        at = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"job": job, "result": result, "where": where, "at": at}
        record = json.dumps(content, allow_nan=False).encode()
        self._append(_line(key, record))
        self._records[key] = record
        return True

    def _append(self, line: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        left = memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError:
            # What got through of the line must not be in the way of the next one.
            self._file.truncate(end)
            raise

    def _read(self) -> None:
        whole = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.endswith(b"\n"):
                    self._take(number, line)
                    whole += len(line)
                else:
                    self._drop_torn(whole)

    def _drop_torn(self, whole: int) -> None:
        self.notes.append(f"{self.path.name}: dropped a torn last line; its job will run again")
        self._file.truncate(whole)

    def _take(self, number: int, line: bytes) -> None:
        match = _LINE.fullmatch(line)
        if match and int(match[2], 16) == zlib.crc32(match[3]):
            self._records.setdefault(match[1].decode(), match[3])
        else:
            self.notes.append(
                f"{self.path.name}: line {number} is garbled; its job will run again if needed"
            )


def _timed(record: bytes) -> Timed:
    content = json.loads(record)
    return timed_from_json(json.dumps({"job": content["job"], **content["result"]}))


def _line(key: str, record: bytes) -> bytes:
    crc = zlib.crc32(record)
    return b'{"hash": "%s", "crc32": "%08x", "record": %s}\n' % (key.encode(), crc, record)
