"""What the report of a run is drawn from."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from scaling_search.experiment.experiment import Experiment
from scaling_search.report.page_source import source_digest

_INPUTS = {".toml", ".json", ".jsonl"}  # the ledger, the study, its images, what was noted of it


def report_source(experiment: Experiment, out: Path) -> str:
    """64 hexadecimal digits that change with all that the report of a run may show.

    That is what lies in the run directory beside the report, the directory's name, the base network
    where it is a function of the user's, and the code that draws.
    """
    return source_digest(_inputs(experiment, out))


def _inputs(experiment: Experiment, out: Path) -> Iterator[bytes]:
    yield out.resolve().name.encode(errors="surrogateescape")
    yield experiment.base.fingerprint.encode()
    for path in sorted(out.iterdir()):
        if path.suffix in _INPUTS and path.is_file():
            yield path.name.encode(errors="surrogateescape")
            yield _as_read(path)


def _as_read(path: Path) -> bytes:
    """Its bytes, but for what some editors add, and whoever reads it leaves out."""
    return path.read_bytes().removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")
