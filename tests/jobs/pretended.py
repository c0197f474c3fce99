"""Cards that are made up: workers on them are real processes, without torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaling_search.jobs import worker_process
from scaling_search.jobs.result import result_to_json
from tests.jobs.small import FINISHED

EIGHT = "0,1,2,3,4,5,6,7"
PROGRAM = "tests.jobs.pretended_worker"


def pretend(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let every worker be one on a made-up card; a file of its name says what the card does."""
    monkeypatch.setattr(worker_process, "PROGRAM", PROGRAM)
    monkeypatch.setenv("PRETENDED", str(folder))
    monkeypatch.setenv("PRETENDED_RESULT", json.dumps(result_to_json(FINISHED)))
