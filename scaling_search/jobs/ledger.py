"""The ledger: one JSON line per accepted result, flushed to disk, never rewritten.

Only the place of a record in the file is remembered; it is read and parsed when it is asked for.
So a ledger of 100 000 lines opens at once and takes the memory of its hashes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

import filelock

from scaling_search.core.atomic_files import flush_folder, make_folder
from scaling_search.core.errors import UserError
from scaling_search.jobs.job import (
    Result,
    TrainJob,
    job_from_json,
    job_to_json,
    result_from_json,
    result_to_json,
)
from scaling_search.jobs.ledger_format import (
    CorruptLine,
    Record,
    TruncatedLine,
    ledger_line,
    read_lines,
)
from scaling_search.latency.job import TimeJob
from scaling_search.latency.profile import timed_from_json, timed_to_json
from scaling_search.latency.result import Timed

# How the record of a timing begins; one of a training begins likewise, with its own kind.
_TIMING = b'{"kind": "timing"'

# How a result that stays is told from a failure, without parsing; quotes within text are escaped.
_FINISHED = b'"kind": "finished"'

# What reading a record of another version, or of somebody's making, may raise.
MISUNDERSTOOD = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

Value = TypeVar("Value")


class Ledger:
    """The results of a run directory; whoever holds it is its only writer.

    `notes` says in plain words what was found damaged on opening. Raises UserError when another
    process holds the ledger, or the directory can't be written.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import Diverged, TrainJob
        >>> from scaling_search.jobs.ledger import Ledger
        >>> from scaling_search.training.recipe import Recipe
        >>> nano, images = zoo.get("nano"), (DataRequest(), "f" * 16, 3600)
        >>> job = TrainJob(nano, *images, Recipe(learning_rate=10), epochs=8, seed=0)
        >>> with Ledger(Path("runs/any/ledger.jsonl")) as ledger:
        ...     accepted = ledger.accept(job, Diverged("the loss is nan"), {"device": "cpu"})
        >>> Ledger.snapshot(Path("runs/any/ledger.jsonl")).get(job)
        Diverged(reason='the loss is nan', kind='diverged')
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._timings: list[str] = []
        self._failed: set[str] = set()
        self._results: dict[str, Result] = {}
        self._lock = filelock.FileLock(path.with_name(f".{path.name}.lock"), blocking=False)

    def __enter__(self) -> Self:
        """Take the ledger, read it and drop a torn last line."""
        try:
            make_folder(self.path.parent)
            self._lock.acquire()
            # Unbuffered: what a full disk refused must not come out with the next line.
            self._file = self.path.open("ab", buffering=0)
            flush_folder(self.path.parent)
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
        try:
            self._read()
        except BaseException:
            self.__exit__()
            raise
        return self

    @classmethod
    def snapshot(cls, path: Path) -> Self:
        """What the ledger holds at this moment, beside whoever writes it; to be read alone.

        A torn last line, which may be in the writing, is left out. Raises OSError when there is
        no such file.
        """
        ledger = cls(path)
        ledger._read(mend=False)
        return ledger

    def __exit__(self, *_: object) -> None:
        """Let the ledger go."""
        self._file.close()
        self._lock.release()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def trainings(self) -> int:
        """How many results are of trainings and not of timings."""
        return len(self._places) - len(self._timings)

    @overload
    def get(self, job: TrainJob) -> Result | None: ...

    @overload
    def get(self, job: TimeJob) -> Timed | None: ...

    def get(self, job: TrainJob | TimeJob) -> Result | Timed | None:
        """The job's result, that of a timing with all its raw samples; None while it is missing.

        Raises UserError when the ledger says of it what this version does not understand.
        """
        key = job.hash
        if isinstance(job, TimeJob):
            return self._understood(key, _timed) if key in self._places else None
        if key not in self._results and key in self._places:
            self._results[key] = self._understood(key, _trained)
        return self._results.get(key)

    def set_aside(self, retried: Callable[[Result, dict[str, str]], bool]) -> list[Result]:
        """Take failures for missing, by result and where it came to be; what was set aside.

        Their lines stay, and the next result of such a job is written beside them.
        """
        aside = []
        for key in sorted(self._failed):
            try:
                result, where = self._understood(key, _trained_where)
            except UserError:  # said to whoever asks for its job
                continue
            if retried(result, where):
                aside.append(result)
                self._failed.discard(key)
                self._results.pop(key, None)
                del self._places[key]
        return aside

    def accepted_at(self, job: TrainJob) -> datetime | None:
        """When the training's result was accepted, by UTC; None while it is missing."""
        if job.hash not in self._places:
            return None
        return datetime.fromisoformat(self._understood(job.hash, json.loads)["at"])

    def where(self, job: TrainJob) -> dict[str, str]:
        """Where the training ran, as its record says; nothing while it is missing."""
        if job.hash not in self._places:
            return {}
        return self._understood(job.hash, _where)

    def timings(self) -> Iterator[Timed]:
        """Every timing, the newest first, of whatever networks and machine."""
        return (self._understood(key, _timed) for key in reversed(self._timings))

    @overload
    def accept(self, job: TrainJob, result: Result, where: Mapping[str, str]) -> bool: ...

    @overload
    def accept(self, job: TimeJob, result: Timed, where: Mapping[str, str]) -> bool: ...

    def accept(
        self, job: TrainJob | TimeJob, result: Result | Timed, where: Mapping[str, str]
    ) -> bool:
        """Write a job's result, flushed to disk; False when the job has one already.

        A failure that was set aside is none. Raises OSError when the disk is full; the ledger then
        holds what it held before.
        """
        if isinstance(result, Timed):
            timing = json.loads(timed_to_json(result))
            return self._write("timing", job.hash, timing.pop("job"), timing, where)
        if isinstance(job, TimeJob):
            raise TypeError(f"a timing's result is Timed, got {result!r}")
        content = job_to_json(job)
        # Where images and weights lie is this machine's affair and no part of the result.
        content["data"] |= {"root": None, "download": False}
        if content["initial"] is not None:
            content["initial"] |= {"path": ""}
        written = self._write("training", job.hash, content, result_to_json(result), where)
        if written:
            self._results[job.hash] = result
        return written

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record as it was written, in order."""
        return (self._understood(key, json.loads) for key in self._places)

    def newest_trainings(self, most: int) -> Iterator[tuple[TrainJob, Result, dict[str, str]]]:
        """So many trainings at most, the newest first: job, result, and where it came to be."""
        timings = {*self._timings}
        keys = (key for key in reversed(self._places) if key not in timings)
        return (self._understood(key, _whole_training) for key in islice(keys, most))

    def _write(
        self,
        kind: Literal["training", "timing"],
        key: str,
        job: dict[str, Any],
        result: dict[str, Any],
        where: Mapping[str, str],
    ) -> bool:
        if key in self._places:
            return False
        at = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"kind": kind, "job": job, "result": result, "where": dict(where), "at": at}
        record = json.dumps(content, allow_nan=False).encode()
        line = ledger_line(key, record)
        begin = self._append(line) + line.index(record)
        self._remember(key, begin, record)
        return True

    def _remember(self, key: str, begin: int, record: bytes) -> None:
        """Keep the place of the first record under a hash; a failure gives way to a later one."""
        if key in self._places and key not in self._failed:
            return
        self._places[key] = (begin, len(record))
        self._failed.discard(key)
        if record.startswith(_TIMING):
            self._timings.append(key)
        elif is_failure(record):
            self._failed.add(key)

    def _understood(self, key: str, read: Callable[[bytes], Value]) -> Value:
        begin, length = self._places[key]
        with self.path.open("rb") as file:
            file.seek(begin)
            record = file.read(length)
        try:
            return read(record)
        except MISUNDERSTOOD:
            raise UserError(
                f"a ledger's record must be one that this version wrote or knows, got another "
                f"under {key} in {str(self.path)!r}: take its line away, and its job runs again"
            ) from None

    def _append(self, line: bytes) -> int:
        """Write the line to disk; its place in the file."""
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
        return end

    def _read(self, mend: bool = True) -> None:
        for line in read_lines(self.path):
            match line:
                case Record():
                    self._remember(line.key, line.begin, line.record)
                    if mend and not line.ended:
                        self._append(b"\n")
                case CorruptLine():
                    self._note(f"line {line.number} is garbled; its job will run again if needed")
                case TruncatedLine() if mend:
                    self._note("dropped a torn last line; its job will run again")
                    self._file.truncate(line.begin)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.path.name}: {text}")


def hash_of(record: bytes) -> str:
    """The hash of the job in a record, worked out anew; raises one of MISUNDERSTOOD."""
    if record.startswith(_TIMING):
        return _timed(record).job.hash
    return _job(json.loads(record)).hash


def is_failure(record: bytes) -> bool:
    """Whether a record is of a training that came to no end; a later one may take its place."""
    return not record.startswith(_TIMING) and _FINISHED not in record


def understood(record: bytes) -> bool:
    """Whether a record's result is one that this version knows."""
    try:
        (_timed if record.startswith(_TIMING) else _trained)(record)
    except MISUNDERSTOOD:
        return False
    return True


def _job(content: dict[str, Any]) -> TrainJob:
    job = content["job"]
    if job["data"]["name"] == "imagefolder":  # its root is not written, and no part of the job
        job["data"]["root"] = "."
    return job_from_json(job)


def _whole_training(record: bytes) -> tuple[TrainJob, Result, dict[str, str]]:
    content = json.loads(record)
    return _job(content), result_from_json(content["result"]), dict(content["where"])


def _trained(record: bytes) -> Result:
    return result_from_json(json.loads(record)["result"])


def _where(record: bytes) -> dict[str, str]:
    return {str(name): str(value) for name, value in json.loads(record)["where"].items()}


def _trained_where(record: bytes) -> tuple[Result, dict[str, str]]:
    return _trained(record), dict(json.loads(record)["where"])


def _timed(record: bytes) -> Timed:
    content = json.loads(record)
    return timed_from_json(json.dumps({"job": content["job"], **content["result"]}))
