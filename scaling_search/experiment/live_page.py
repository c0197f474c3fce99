"""A run's page as its ledger grows: drawn in memory, beside whoever writes the ledger."""

from __future__ import annotations

import hashlib
import html
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from scaling_search.core.errors import UserError
from scaling_search.experiment.evidence import evidence_of
from scaling_search.experiment.outcome import read_experiment
from scaling_search.experiment.redrawing import SHARE
from scaling_search.jobs.ledger import Ledger
from scaling_search.jobs.result import Finished, result_from_json
from scaling_search.report.page import page_html, pictures_of, tables_of, template_values
from scaling_search.report.report_data import ReportData

NEWEST = 5
_DRAWN_LIVE = (
    *("accuracy_macs", "accuracy_params", "accuracy_activations"),
    *("search_landscape", "learning_curves"),
)
FileState = tuple[int, int] | None
"""A ledger's size and time of change; None where there is none."""


@dataclass
class LivePage:
    """The page of a run directory, drawn again when its ledger has changed.

    Drawing takes a twentieth of the time at most, as it does in the run itself. Nothing is written.
    `function` is given where the base is a function of the user's.
    """

    out: Path
    function: str | None = None
    clock: Callable[[], float] = time.monotonic
    _state: FileState | str = field(default="not looked", init=False)
    _page: bytes = field(default=b"", init=False)
    _due: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def page(self) -> bytes:
        """The page as of now, or as of a moment ago where another drawing is not due yet."""
        with self._lock:
            state = _state(self.out / "ledger.jsonl")
            if not self._page or (state != self._state and self.clock() >= self._due):
                began = self.clock()
                self._page = self._drawn().encode()
                self._state, ended = state, self.clock()
                self._due = ended + (ended - began) / SHARE
            return self._page

    @staticmethod
    def version_of(page: bytes) -> str:
        """16 hexadecimal digits, others for every other page."""
        return hashlib.sha256(page).hexdigest()[:16]

    def _drawn(self) -> str:
        try:
            experiment = read_experiment(self.out, function=self.function)
            ledger = Ledger.snapshot(self.out / "ledger.jsonl")
            evidence = evidence_of(experiment, ledger, self.out)
        except (OSError, UserError) as error:
            return _waiting(self.out, error)
        return _with_newest(_page(evidence), list(_newest(ledger)))


def _state(path: Path) -> FileState:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _page(evidence: ReportData) -> str:
    """The page without the still figures that its script draws anyway."""
    still = (picture for picture in pictures_of(evidence) if picture.name not in _DRAWN_LIVE)
    return page_html(template_values(evidence, tables_of(evidence)), still)


def _newest(ledger: Ledger) -> Iterator[str]:
    """The newest results, a line each: when, which network, how it ended and where."""
    records = list(ledger.records())
    for record in islice(reversed(records), NEWEST):
        at = datetime.fromisoformat(record["at"]).astimezone(UTC)
        yield f"{at:%Y-%m-%d %H:%M:%S} UTC: {_ended(record)}{_where(record['where'])}"


def _ended(record: dict[str, Any]) -> str:
    if record["kind"] == "timing":
        return f"{len(record['job']['networks'])} networks timed"
    job, result = record["job"], result_from_json(record["result"])
    name = f"{job['architecture']['name']}, {job['epochs']} epochs from seed {job['seed']}"
    if not isinstance(result, Finished):
        return f"{name}: {result.kind}"
    return f"{name}: validation top-1 {result.validation_top1:.2%}"


def _where(where: dict[str, str]) -> str:
    places = [where[name] for name in ("node", "host", "device") if where.get(name)]
    return f" on {', '.join(places)}" if places else ""


def _with_newest(page: str, lines: list[str]) -> str:
    """The page with the newest results at its top."""
    rows = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    newest = f'<h2>Newest results</h2><ul class="notes">{rows}</ul>'
    return page.replace("</h1>", f"</h1>{newest if lines else ''}", 1)


def _waiting(out: Path, error: Exception) -> str:
    title = f"{html.escape(out.name)}: nothing to show yet"
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{html.escape(str(error))}</p></body></html>"
    )
