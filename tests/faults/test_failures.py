"""Trainings that failed of their surroundings are trained once these are others, or when asked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scaling_search.core.errors import UserError
from scaling_search.doctor.examine import examine
from scaling_search.experiment import pipeline
from scaling_search.jobs import executor, retry
from scaling_search.jobs.execute import execute
from scaling_search.jobs.job import TrainJob
from scaling_search.jobs.result import Lost, Result, TimedOut
from tests.faults.study import STUDY, lines
from tests.faults.watching import Trainings


@pytest.fixture
def kept_from(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    """What longer trainings come to instead of their results, while there is anything in it."""
    instead: list[Result] = []

    def executed(job: TrainJob, *words: Any, **named: Any) -> Result:
        return instead[0] if instead and job.epochs > 1 else execute(job, *words, **named)

    monkeypatch.setattr(executor, "execute", executed)
    monkeypatch.setattr(pipeline, "report_of", lambda *_, **__: None)
    return instead


def search(out: Path, **words: Any) -> list[str]:
    """The study's search in this process; what was said of failures."""
    listener = Trainings()
    with suppress(UserError):  # where its one finalist fails
        pipeline.run(
            STUDY, out, device="cpu", workers=0, search_only=True, listener=listener, **words
        )
    return [line for line in listener.said if "failed trainings" in line]


def kinds(out: Path) -> list[str]:
    return [line["record"]["result"]["kind"] for line in lines(out)]


def test_timed_out_is_final_for_its_limit_alone(tmp_path: Path, kept_from: list[Result]) -> None:
    kept_from[:] = [TimedOut(0.2)]
    search(tmp_path, limit_seconds=0.2)
    assert kinds(tmp_path) == ["finished", "finished", "timed-out"]
    assert search(tmp_path, limit_seconds=0.2) == []
    assert search(tmp_path, limit_seconds=0.1) == []
    assert kinds(tmp_path) == ["finished", "finished", "timed-out"]
    kept_from.clear()
    (said,) = search(tmp_path)
    assert said.endswith("where a run needs them: 1 timed-out, the limit was 0.2 s")
    assert kinds(tmp_path) == ["finished", "finished", "timed-out", "finished"]
    assert search(tmp_path, limit_seconds=0.1) == []
    assert len(lines(tmp_path)) == 4


def test_lost_is_tried_again_by_mended_code_or_when_asked(
    tmp_path: Path, kept_from: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_from[:] = [Lost(3, "the process ended with status -11")]
    search(tmp_path)
    assert search(tmp_path) == []
    assert kinds(tmp_path).count("lost") == 1
    assert search(tmp_path, retry_failed=True)[0].endswith("1 lost, asked for")
    assert kinds(tmp_path).count("lost") == 2
    monkeypatch.setattr(retry, "code_digest", lambda: "mended")
    kept_from.clear()
    assert search(tmp_path)[0].endswith("1 lost, the code was another")
    assert kinds(tmp_path)[-1] == "finished"


def test_the_doctor_names_what_failed_and_the_way(tmp_path: Path, kept_from: list[Result]) -> None:
    kept_from[:] = [TimedOut(0.2)]
    search(tmp_path, limit_seconds=0.2)
    failed = [one for one in examine(tmp_path) if one.state == "attention"][-1]
    assert failed.what == "of its trainings came to no end: 1 timed-out"
    assert "--retry-failed" in failed.then
    kept_from.clear()
    search(tmp_path)
    assert [one for one in examine(tmp_path) if one.state == "attention"] == []
    assert not any("had a line before" in one.what for one in examine(tmp_path))


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, limit: float) -> None:
    with pytest.raises(UserError, match="must be above 0"):
        pipeline.run(STUDY, tmp_path, device="cpu", workers=0, limit_seconds=limit)
