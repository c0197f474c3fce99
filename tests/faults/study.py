"""A search of three trainings, and what its ledger holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaling_search.experiment.study_file import to_toml
from scaling_search.search.plan import Rung, SearchPlan
from tests.tiny import TINY

# Two candidates for an epoch; the better one for two more.
STUDY = replace(TINY, name="struck", search=SearchPlan("grid", trials=2, rungs=(Rung(1), Rung(3))))
STEPS_PER_EPOCH = 5


def study_file(folder: Path) -> Path:
    """The study as a file."""
    path = folder / "struck.toml"
    path.write_text(to_toml(STUDY))
    return path


def lines(out: Path) -> list[dict[str, Any]]:
    """The lines of a run's ledger; none while there is none."""
    path = out / "ledger.jsonl"
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def results(out: Path) -> dict[str, Any]:
    """What each training came to, without the seconds that it took."""
    return {line["hash"]: _timeless(line["record"]["result"]) for line in lines(out)}


def _timeless(result: dict[str, Any]) -> dict[str, Any]:
    history = [{**epoch, "train_seconds": 0} for epoch in result["history"]]
    return {**result, "history": history, "train_seconds": 0}
