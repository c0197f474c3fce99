"""The ledger: one JSON line per accepted result, flushed to disk, never rewritten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, overload

from scaling_search.core.errors import UserError
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.ledger_file import LedgerFile
from scaling_search.jobs.ledger_format import (
    CorruptLine,
    Record,
    TruncatedLine,
    ledger_line,
    read_lines,
)
from scaling_search.jobs.ledger_index import LedgerIndex
from scaling_search.jobs.ledger_records import (
    READ_ERRORS,
    job_content,
    result_of,
    time_of,
    timing_of,
    training_of,
    where_of,
)
from scaling_search.jobs.result import Result, result_to_json
from scaling_search.latency.job import TimeJob
from scaling_search.latency.profile import timed_to_json
from scaling_search.latency.result import Timed

Value = TypeVar("Value")


class Ledger:
    """The results of a run directory; whoever holds it is its only writer.

    A record is parsed when it is asked for. `notes` says in plain words what was damaged on
    opening. Raises UserError when another process holds the ledger, or the directory can't be
    written.

    Examples:
        >>> from pathlib import Path
        >>> from scaling_search import DataRequest
        >>> from scaling_search.arch import zoo
        >>> from scaling_search.jobs.job import TrainJob
        >>> from scaling_search.jobs.result import Diverged
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
        self._file = LedgerFile(path)
        self._index = LedgerIndex()
        self._results: dict[str, Result] = {}

    def __enter__(self) -> Self:
        """Take the ledger, read it and drop a torn last line."""
        self._file.hold()
        try:
            self._read()
        except BaseException:
            self._file.release()
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
        self._file.release()

    def __len__(self) -> int:
        return len(self._index.positions)

    @property
    def trainings(self) -> int:
        """How many results are of trainings and not of timings."""
        return len(self) - len(self._index.timings)

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
            return self._parsed(key, timing_of) if key in self._index.positions else None
        if key not in self._results and key in self._index.positions:
            self._results[key] = self._parsed(key, result_of)
        return self._results.get(key)

    def set_aside(self, retried: Callable[[Result, dict[str, str]], bool]) -> list[Result]:
        """Take failures for missing, by result and where it came to be; what was set aside.

        Their lines stay, and the next result of such a job is written beside them.
        """
        failures = []
        for key in sorted(self._index.failures):
            try:
                result, where = self._parsed(key, result_of), self._parsed(key, where_of)
            except UserError:  # said to whoever asks for its job
                continue
            if retried(result, where):
                failures.append(result)
                self._results.pop(key, None)
                self._index.discard_failure(key)
        return failures

    def accepted_at(self, job: TrainJob) -> datetime | None:
        """When the training's result was accepted, by UTC; None while it is missing."""
        if job.hash not in self._index.positions:
            return None
        return self._parsed(job.hash, time_of)

    def where(self, job: TrainJob) -> dict[str, str]:
        """Where the training ran, as its record says; nothing while it is missing."""
        if job.hash not in self._index.positions:
            return {}
        return self._parsed(job.hash, where_of)

    def timings(self) -> Iterator[Timed]:
        """Every timing, the newest first, of whatever networks and machine."""
        return (self._parsed(key, timing_of) for key in reversed(self._index.timings))

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
        content, values = job_content(job), result_to_json(result)
        if not self._write("training", job.hash, content, values, where):
            return False
        self._results[job.hash] = result
        return True

    def records(self) -> Iterator[dict[str, Any]]:
        """Every record as it was written, in order."""
        return (self._parsed(key, json.loads) for key in self._index.positions)

    def newest_trainings(self, most: int) -> Iterator[tuple[TrainJob, Result, dict[str, str]]]:
        """So many trainings at most, the newest first: job, result, and where it came to be."""
        keys = islice(self._index.newest_trainings(), most)
        return (self._parsed(key, training_of) for key in keys)

    def _write(
        self,
        kind: Literal["training", "timing"],
        key: str,
        job: dict[str, Any],
        result: dict[str, Any],
        where: Mapping[str, str],
    ) -> bool:
        if key in self._index.positions:
            return False
        at = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"kind": kind, "job": job, "result": result, "where": dict(where), "at": at}
        record = json.dumps(content, allow_nan=False).encode()
        line = ledger_line(key, record)
        begin = self._file.append(line) + line.index(record)
        self._index.add(key, begin, record)
        return True

    def _parsed(self, key: str, read: Callable[[bytes], Value]) -> Value:
        record = self._file.record(*self._index.positions[key])
        try:
            return read(record)
        except READ_ERRORS:
            raise UserError(
                f"a ledger's record must be one that this version wrote or knows, got another "
                f"under {key} in {str(self.path)!r}: take its line away, and its job runs again"
            ) from None

    def _read(self, mend: bool = True) -> None:
        for line in read_lines(self.path):
            match line:
                case Record():
                    self._index.add(line.key, line.begin, line.record)
                    if mend and not line.ended:
                        self._file.append(b"\n")
                case CorruptLine():
                    self._note(f"line {line.number} is garbled; its job will run again if needed")
                case TruncatedLine() if mend:
                    self._note("dropped a torn last line; its job will run again")
                    self._file.truncate(line.begin)

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.path.name}: {text}")
